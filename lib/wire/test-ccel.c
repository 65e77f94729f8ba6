/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "wire/ccel.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { ROOM = 1024, HEADER = 65, EVENT = 8 + 4 + 2 + 48 + 4 };

struct log {
	uint8_t b[ROOM];
	size_t n;
};

static void add_le(struct log *l, uint64_t v, size_t n)
{
	size_t i;

	assert(l->n + n <= ROOM);
	for (i = 0; i < n; i++)
		l->b[l->n++] = (uint8_t)(v >> (8 * i));
}

static void add(struct log *l, const void *p, size_t n)
{
	assert(l->n + n <= ROOM);
	memcpy(l->b + l->n, p, n);
	l->n += n;
}

static void fill(struct log *l, uint8_t byte, size_t n)
{
	assert(l->n + n <= ROOM);
	memset(l->b + l->n, byte, n);
	l->n += n;
}

static struct log header(void)
{
	struct log l = { .n = 0 };

	add_le(&l, 1, 4);
	add_le(&l, CCEL_EV_NO_ACTION, 4);
	fill(&l, 0, 20);
	add_le(&l, HEADER - 32, 4);
	add(&l, "Spec ID Event03", 16);
	add_le(&l, 0, 8);
	add_le(&l, 1, 4);
	add_le(&l, CCEL_SHA384, 2);
	add_le(&l, CCEL_SHA384_SIZE, 2);
	add_le(&l, 0, 1);
	assert(l.n == HEADER);
	return l;
}

static void add_event(struct log *l, uint32_t index, uint32_t type, const char *data)
{
	add_le(l, index, 4);
	add_le(l, type, 4);
	add_le(l, 1, 4);
	add_le(l, CCEL_SHA384, 2);
	fill(l, (uint8_t)index, CCEL_SHA384_SIZE);
	add_le(l, strlen(data), 4);
	add(l, data, strlen(data));
}

static struct log sample(void)
{
	struct log l = header();

	add_event(&l, 1, CCEL_EV_SEPARATOR, "abcd");
	add_event(&l, 3, CCEL_EV_EVENT_TAG, "initrd");
	return l;
}

/* What reading all of it ends with; *@n: events before that. */
static enum ccel_verdict verdict(const struct log *l, size_t n_bytes, size_t *n)
{
	struct ccel_event ev;
	struct ccel c;
	enum ccel_verdict v = ccel_open(l->b, n_bytes, &c);

	*n = 0;
	while (v == CCEL_OK) {
		v = ccel_next(&c, &ev);
		*n += v == CCEL_OK;
	}
	return v;
}

static void ends(const struct log *l, enum ccel_verdict wanted, size_t n_wanted)
{
	size_t n;

	assert(verdict(l, l->n, &n) == wanted);
	assert(n == n_wanted);
}

static void test_events_come_in_order(void)
{
	struct log l = sample();
	struct ccel_event ev;
	struct ccel c;

	assert(ccel_open(l.b, l.n, &c) == CCEL_OK);
	assert(ccel_next(&c, &ev) == CCEL_OK);
	assert(ev.index == 1 && ev.type == CCEL_EV_SEPARATOR && ev.n_data == 4);
	assert(memcmp(ev.data, "abcd", 4) == 0 && ev.sha384 == l.b + HEADER + 14);
	assert(ev.n_digests == 1 && ev.digests[0].p == ev.sha384);
	assert(ccel_next(&c, &ev) == CCEL_OK);
	assert(ev.index == 3 && ev.type == CCEL_EV_EVENT_TAG && ev.n_data == 6);
	assert(ccel_next(&c, &ev) == CCEL_END && ccel_next(&c, &ev) == CCEL_END);
}

static void test_only_filling_may_follow(void)
{
	static const uint8_t bytes[] = { 0, 0xff };
	size_t i, filled, n;

	for (i = 0; i < sizeof bytes; i++) {
		for (filled = 1; filled < 40; filled++) {
			struct log l = sample();

			fill(&l, bytes[i], filled);
			ends(&l, CCEL_END, 2);
			add_le(&l, 7, 1);
			assert(verdict(&l, l.n, &n) > CCEL_END);
		}
	}
}

/* A log may end after any event, and nowhere else. */
static void test_every_truncation_is_refused(void)
{
	struct log l = sample();
	size_t i, n;

	for (i = 0; i < l.n; i++) {
		bool is_end = i == HEADER || i == HEADER + EVENT + 4;

		assert(verdict(&l, i, &n) == (is_end ? CCEL_END : CCEL_TRUNCATED));
	}
}

static void test_headers_that_are_none(void)
{
	struct log l = sample();

	l.b[4] = 4;
	ends(&l, CCEL_BAD_HEADER, 0);
	l = sample();
	l.b[0] = 2;
	ends(&l, CCEL_BAD_HEADER, 0);
	l = sample();
	l.b[32 + 14] = '2';
	ends(&l, CCEL_BAD_HEADER, 0);
	l = sample();
	l.b[28]++; /* the header says to be longer */
	ends(&l, CCEL_BAD_HEADER, 0);
	l = sample();
	l.b[31] = 0xff;
	ends(&l, CCEL_TRUNCATED, 0);
	assert(ccel_open(NULL, CCEL_SIZE_MAX + 1, &(struct ccel){ .n_events = 0 }) ==
	       CCEL_TOO_LARGE);
}

static void test_algorithms(void)
{
	static const struct {
		size_t at;
		uint8_t byte;
	} bad[] = { { 56, 0 }, { 56, CCEL_ALGORITHMS_MAX + 1 }, { 59, 0xff }, { 62, 47 } };
	struct log l;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		l = sample();
		l.b[bad[i].at] = bad[i].byte;
		ends(&l, CCEL_BAD_ALGORITHMS, 0);
	}
}

static void test_digests(void)
{
	static const struct {
		size_t at;
		uint8_t byte;
	} bad[] = { { 8, 0 }, { 8, 2 }, { 11, 0xff }, { 12, 0x0b } };
	struct log l;
	size_t i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		l = sample();
		l.b[HEADER + bad[i].at] = bad[i].byte;
		ends(&l, CCEL_BAD_DIGESTS, 0);
	}
}

static void test_registers_and_lengths(void)
{
	struct log l = sample();

	l.b[HEADER] = 5;
	ends(&l, CCEL_BAD_REGISTER, 0);
	l = sample();
	l.b[HEADER + EVENT - 4] = 0xff;
	ends(&l, CCEL_TRUNCATED, 0);
	l = sample();
	memset(l.b + HEADER + EVENT - 4, 0xff, 4);
	ends(&l, CCEL_TRUNCATED, 0);
}

static void test_too_many(void)
{
	static uint8_t all[HEADER + (CCEL_EVENTS_MAX + 1) * EVENT];
	struct log one = header();
	struct ccel_event ev;
	struct ccel c;
	size_t i;

	memcpy(all, one.b, HEADER);
	add_event(&one, 1, CCEL_EV_SEPARATOR, "");
	for (i = 0; i <= CCEL_EVENTS_MAX; i++)
		memcpy(all + HEADER + i * EVENT, one.b + HEADER, EVENT);
	assert(ccel_open(all, sizeof all, &c) == CCEL_OK);
	for (i = 0; i < CCEL_EVENTS_MAX; i++)
		assert(ccel_next(&c, &ev) == CCEL_OK);
	assert(ccel_next(&c, &ev) == CCEL_TOO_MANY);
}

static void test_verdicts_have_texts(void)
{
	enum ccel_verdict v;

	for (v = CCEL_OK; v < CCEL_VERDICT_COUNT; v++)
		assert(*ccel_verdict_text(v));
	assert(strcmp(ccel_verdict_text(CCEL_VERDICT_COUNT), "unknown") == 0);
}

int main(void)
{
	test_events_come_in_order();
	test_only_filling_may_follow();
	test_every_truncation_is_refused();
	test_headers_that_are_none();
	test_algorithms();
	test_digests();
	test_registers_and_lengths();
	test_too_many();
	test_verdicts_have_texts();
	return 0;
}
