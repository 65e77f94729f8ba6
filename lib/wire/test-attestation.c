/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "wire/attestation.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "wire/msgpack.h"

#define FIXTURE SOURCE_DIR "/tests/vectors/attestation/dstack-v0.bin"

static struct buf fixture;

#define TEXT(s) ((struct attestation_bytes){ (const uint8_t *)(s), sizeof(s) - 1 })

static enum attestation_verdict parse(const struct buf *b, struct attestation *ret)
{
	return attestation_parse(b->p, b->n, ret);
}

/* What is refused, on the heap so that a sanitizer sees each byte too many. */
static enum attestation_verdict verdict(const void *p, size_t n)
{
	auto_free struct attestation *a = xnew(struct attestation);
	auto_free uint8_t *copy = xmemdup(p, n);

	return attestation_parse(copy, n, a);
}

static bool same(const struct attestation_bytes *a, const struct attestation_bytes *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->p, b->p, a->n) == 0);
}

static bool same_event(const struct attestation_event *x, const struct attestation_event *y)
{
	return x->imr == y->imr && x->type == y->type && x->version == y->version &&
	       same(&x->digest, &y->digest) && same(&x->name, &y->name) &&
	       same(&x->payload, &y->payload) && same(&x->preimage, &y->preimage);
}

static bool same_runtime(const struct attestation_runtime *x, const struct attestation_runtime *y)
{
	return x->version == y->version && same(&x->name, &y->name) &&
	       same(&x->payload, &y->payload);
}

static void expect_same(const struct attestation *a, const struct attestation *b)
{
	size_t i;

	assert(same(&a->quote, &b->quote) && same(&a->config, &b->config));
	assert(memcmp(a->report_data, b->report_data, sizeof(a->report_data)) == 0);
	assert(a->is_pod == b->is_pod && a->n_events == b->n_events &&
	       a->n_runtime == b->n_runtime);
	assert(same(&a->report_data_payload, &b->report_data_payload));
	for (i = 0; i < a->n_events; i++)
		assert(same_event(&a->events[i], &b->events[i]));
	for (i = 0; i < a->n_runtime; i++)
		assert(same_runtime(&a->runtime[i], &b->runtime[i]));
}

static void test_dstacks_fixture_is_read_and_written_byte_for_byte(void)
{
	auto_free struct attestation *a = xnew(struct attestation);
	auto_buf struct buf out = BUF_MAX(ATTESTATION_SIZE_MAX);

	assert(parse(&fixture, a) == ATTESTATION_OK);
	assert(a->form == ATTESTATION_V0 && a->quote.n == 5010);
	assert(a->n_events == 33 && a->n_runtime == 9);
	assert(same(&a->runtime[0].name, &TEXT("system-preparing")));
	assert(same(&a->runtime[8].name, &TEXT("system-ready")) && a->runtime[1].payload.n == 20);
	assert(a->config.p[0] == '{');
	assert(attestation_form_of(a) == ATTESTATION_V0);
	assert(attestation_write(a, ATTESTATION_V0, &out) == 0);
	assert(out.n == fixture.n && memcmp(out.p, fixture.p, out.n) == 0);
}

static void test_v1_says_the_same(void)
{
	auto_free struct attestation *a = xnew(struct attestation), *b = xnew(struct attestation);
	auto_buf struct buf out = BUF_MAX(ATTESTATION_SIZE_MAX), again = out;

	assert(parse(&fixture, a) == ATTESTATION_OK);
	assert(attestation_write(a, ATTESTATION_V1, &out) == 0 && out.p[0] == 0x83);
	assert(parse(&out, b) == ATTESTATION_OK && b->form == ATTESTATION_V1);
	expect_same(a, b);
	assert(attestation_write(b, ATTESTATION_V1, &again) == 0);
	assert(again.n == out.n && memcmp(again.p, out.p, out.n) == 0);
}

static void small(struct attestation *a)
{
	static const uint8_t digest[ATTESTATION_DIGEST_SIZE] = { 9 };

	a->quote = TEXT("quote");
	a->report_data[0] = 0xff;
	a->config = TEXT("{}");
	a->n_events = 1;
	a->events[0] = (struct attestation_event){ .imr = 3,
						   .type = ATTESTATION_RUNTIME_TYPE,
						   .digest = { digest, sizeof(digest) },
						   .name = TEXT("app-id"),
						   .payload = TEXT("x"),
						   .version = 1 };
	a->n_runtime = 1;
	a->runtime[0] = (struct attestation_runtime){ .name = TEXT("app-id"),
						      .payload = TEXT("x"),
						      .version = 1 };
}

static void test_what_v0_cannot_say_is_v1(void)
{
	auto_free struct attestation *a = xnew(struct attestation), *b = xnew(struct attestation);
	auto_buf struct buf out = BUF_MAX(ATTESTATION_SIZE_MAX);

	small(a);
	a->runtime[0].version = 2;
	a->events[0].version = 2;
	a->events[0].preimage = TEXT("7b7d");
	a->is_pod = a->has_report_data_payload = true;
	a->report_data_payload = TEXT("{\"pod\":1}");
	assert(attestation_form_of(a) == ATTESTATION_V1);
	assert(attestation_write(a, ATTESTATION_V0, &out) == -EINVAL && out.n == 0);
	assert(attestation_write(a, ATTESTATION_V1, &out) == 0);
	assert(parse(&out, b) == ATTESTATION_OK);
	expect_same(a, b);
}

static void test_bin_is_as_good_as_numbers(void)
{
	auto_free struct attestation *a = xnew(struct attestation), *b = xnew(struct attestation);
	auto_buf struct buf out = BUF_MAX(1024), bin = out;
	uint8_t *at;

	small(a);
	assert(attestation_write(a, ATTESTATION_V1, &out) == 0);
	at = memmem(out.p, out.n, "\xa5quote\x95", 7);
	assert(at);
	assert(buf_add(&bin, out.p, (size_t)(at + 6 - out.p)) == 0);
	assert(msgpack_add_bin(&bin, "quote", 5) == 0);
	assert(buf_add(&bin, at + 12, out.n - (size_t)(at + 12 - out.p)) == 0);
	assert(parse(&bin, b) == ATTESTATION_OK);
	expect_same(a, b);
}

static void test_every_cut_is_refused(void)
{
	auto_free struct attestation *a = xnew(struct attestation);
	auto_buf struct buf v1 = BUF_MAX(ATTESTATION_SIZE_MAX), v0 = v1;
	size_t n;

	small(a);
	assert(attestation_write(a, ATTESTATION_V1, &v1) == 0);
	assert(attestation_write(a, ATTESTATION_V0, &v0) == 0);
	assert(verdict(v0.p, v0.n) == ATTESTATION_OK && verdict(v1.p, v1.n) == ATTESTATION_OK);
	for (n = 0; n < v1.n; n++)
		assert(verdict(v1.p, n) == ATTESTATION_TRUNCATED);
	for (n = 0; n < v0.n; n++)
		assert(verdict(v0.p, n) != ATTESTATION_OK);
	for (n = 0; n < fixture.n; n += 61)
		assert(verdict(fixture.p, n) != ATTESTATION_OK);
	assert(buf_add(&v1, "", 1) == 0 && buf_add(&v0, "", 1) == 0);
	assert(verdict(v1.p, v1.n) == ATTESTATION_TRAILING);
	assert(verdict(v0.p, v0.n) == ATTESTATION_TRAILING);
}

/* No byte may be changed without a change of what is read, or a refusal: V0 has one form for each value. */
static void test_every_flip_is_seen(void)
{
	auto_free struct attestation *a = xnew(struct attestation);
	auto_buf struct buf v0 = BUF_MAX(ATTESTATION_SIZE_MAX), again = v0;
	size_t i;
	int bit;

	small(a);
	assert(attestation_write(a, ATTESTATION_V0, &v0) == 0);
	for (i = 0; i < v0.n; i++) {
		for (bit = 0; bit < 8; bit++) {
			v0.p[i] ^= (uint8_t)(1 << bit);
			if (parse(&v0, a) == ATTESTATION_OK && a->form == ATTESTATION_V0) {
				again.n = 0;
				assert(attestation_write(a, ATTESTATION_V0, &again) == 0);
				assert(again.n == v0.n && memcmp(again.p, v0.p, v0.n) == 0);
			}
			v0.p[i] ^= (uint8_t)(1 << bit);
		}
	}
	buf_deinit(&again);
}

static void expect_refused(const struct attestation *a, enum attestation_form form,
			   enum attestation_verdict want)
{
	auto_buf struct buf out = BUF_MAX(ATTESTATION_SIZE_MAX + 1);

	assert(attestation_write(a, form, &out) == 0);
	assert(verdict(out.p, out.n) == want);
}

static void test_limits(void)
{
	auto_free struct attestation *a = xnew(struct attestation);
	static uint8_t much[ATTESTATION_PAYLOAD_MAX + 1];
	enum attestation_form form;

	for (form = ATTESTATION_V0; form <= ATTESTATION_V1; form++) {
		small(a);
		a->quote = (struct attestation_bytes){ much, ATTESTATION_QUOTE_MAX + 1 };
		expect_refused(a, form, ATTESTATION_BAD_SIZE);
		small(a);
		a->events[0].imr = 4;
		expect_refused(a, form, ATTESTATION_BAD_REGISTER);
		small(a);
		a->events[0].digest.n = 20;
		expect_refused(a, form, ATTESTATION_BAD_SIZE);
		small(a);
		a->events[0].payload = (struct attestation_bytes){ much, sizeof(much) };
		expect_refused(a, form, ATTESTATION_BAD_SIZE);
		small(a);
		a->runtime[0].payload =
			(struct attestation_bytes){ much, ATTESTATION_RUNTIME_PAYLOAD_MAX + 1 };
		expect_refused(a, form, ATTESTATION_BAD_SIZE);
		small(a);
		a->runtime[0].name = TEXT("\xff");
		expect_refused(a, form, ATTESTATION_BAD_TEXT);
		small(a);
		a->events[0].name = TEXT("a\0b");
		expect_refused(a, form, ATTESTATION_BAD_TEXT);
		small(a);
		a->config = (struct attestation_bytes){ much, 1 };
		expect_refused(a, form, ATTESTATION_BAD_TEXT);
	}
	assert(attestation_parse(much, (size_t)ATTESTATION_SIZE_MAX + 1, a) ==
	       ATTESTATION_TOO_LARGE);
}

/* Lengths that lie: more elements than there are bytes cost nothing. */
static void test_lengths_that_lie(void)
{
	static const uint8_t many_events[] = { 0, 0, 0, 0x02, 0x10, 0, 0 },
			     big[] = { 0, 0, 0x03, 0, 0, 0, 0xff }, not_short[] = { 0, 0, 0x01, 0 },
			     map32[] = { 0xdf, 0xff, 0xff, 0xff, 0xff }, sgx[] = { 0, 3, 0 },
			     version[] = { 1, 0 };

	assert(verdict(many_events, sizeof(many_events)) != ATTESTATION_OK);
	assert(verdict(big, sizeof(big)) == ATTESTATION_TRUNCATED);
	assert(verdict(not_short, sizeof(not_short)) == ATTESTATION_TRUNCATED);
	assert(verdict(map32, sizeof(map32)) == ATTESTATION_BAD_KEY);
	assert(verdict(sgx, sizeof(sgx)) == ATTESTATION_BAD_PLATFORM);
	assert(verdict(version, sizeof(version)) == ATTESTATION_BAD_VERSION);
}

/* @find of the V1 of small() replaced by @with, which is as long. */
static enum attestation_verdict changed(const char *find, const char *with)
{
	auto_free struct attestation *a = xnew(struct attestation);
	auto_buf struct buf out = BUF_MAX(1024);
	uint8_t *at;

	small(a);
	assert(strlen(find) == strlen(with));
	assert(attestation_write(a, ATTESTATION_V1, &out) == 0);
	at = memmem(out.p, out.n, find, strlen(find));
	assert(at);
	memcpy(at, with, strlen(find));
	return verdict(out.p, out.n);
}

static void test_v1_keys_and_words(void)
{
	assert(changed("\xa3imr", "\xa3imR") == ATTESTATION_BAD_KEY);
	assert(changed("\xa4kind", "\xa4"
				   "data") == ATTESTATION_BAD_TYPE);
	assert(changed("\xa5quote", "\xa5quot_") == ATTESTATION_BAD_KEY);
	assert(changed("\xa3tdx", "\xa3sev") == ATTESTATION_BAD_PLATFORM);
	assert(changed("\xa6"
		       "dstack",
		       "\xa6other.") == ATTESTATION_BAD_STACK);
	assert(changed("version\x01", "version\x02") == ATTESTATION_BAD_VERSION);
	assert(changed("version\x01", "version\xc0") == ATTESTATION_BAD_TYPE);
	assert(changed("imr\x03", "imr\xff") == ATTESTATION_TRUNCATED);
	assert(changed("\xcc\xff", "\xcd\xff") == ATTESTATION_BAD_NUMBER);
	assert(changed("\xa7payload\xc4", "\xa7payload\xd9") == ATTESTATION_BAD_TYPE);
	assert(changed("config\xa2", "config\x92") == ATTESTATION_BAD_TYPE);
}

static void test_stripping_keeps_what_a_certificate_needs(void)
{
	auto_free struct attestation *a = xnew(struct attestation);
	size_t i, acpi = 0;

	assert(parse(&fixture, a) == ATTESTATION_OK);
	attestation_strip(a);
	for (i = 0; i < a->n_events; i++) {
		if (a->events[i].imr == 3) {
			assert(a->events[i].digest.n == 0);
		} else {
			acpi++;
			assert(same(&a->events[i].payload, &TEXT("ACPI DATA")));
			assert(a->events[i].digest.n == ATTESTATION_DIGEST_SIZE);
		}
	}
	assert(acpi == 3 && a->n_events == 3 + 9 && a->n_runtime == 9);
	small(a);
	a->events[0].version = 2;
	attestation_strip(a);
	assert(a->n_events == 1 && a->events[0].digest.n == ATTESTATION_DIGEST_SIZE);
}

int main(void)
{
	assert(file_read(AT_FDCWD, FIXTURE, 1 << 20, &fixture, NULL) == 0);
	test_dstacks_fixture_is_read_and_written_byte_for_byte();
	test_v1_says_the_same();
	test_what_v0_cannot_say_is_v1();
	test_bin_is_as_good_as_numbers();
	test_every_cut_is_refused();
	test_every_flip_is_seen();
	test_limits();
	test_lengths_that_lie();
	test_v1_keys_and_words();
	test_stripping_keeps_what_a_certificate_needs();
	buf_deinit(&fixture);
	return 0;
}
