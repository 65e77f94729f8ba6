/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "wire/qgs.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"

/* id "ID", quote "quote" */
static const uint8_t good[] = { 1, 0, 0, 0, 1, 0, 0, 0, 31,  0,	  0,   0,   0,	 0,   0,  0,
				2, 0, 0, 0, 5, 0, 0, 0, 'I', 'D', 'q', 'u', 'o', 't', 'e' };

static enum qgs_verdict with(size_t at, uint8_t value, struct qgs_answer *ret)
{
	auto_free uint8_t *p = xmemdup(good, sizeof(good));

	p[at] = value;
	return qgs_parse(p, sizeof(good), ret);
}

static void test_request_is_intels(void)
{
	uint8_t report[QGS_REPORT_SIZE], out[QGS_REQUEST_SIZE];
	static const uint8_t start[] = { 0, 0, 4, 0x18, 1, 0, 0, 0, 0, 0, 0, 0, 0x18, 4,
					 0, 0, 0, 0,	0, 0, 0, 4, 0, 0, 0, 0, 0,    0 };

	memset(report, 7, sizeof(report));
	qgs_request(report, out);
	assert(memcmp(out, start, sizeof(start)) == 0);
	static_assert(sizeof(start) + sizeof(report) == sizeof(out), "no more than that");
	assert(memcmp(out + sizeof(start), report, sizeof(report)) == 0);
}

static void test_quote_is_found(void)
{
	struct qgs_answer a;

	assert(qgs_parse(good, sizeof(good), &a) == QGS_OK);
	assert(a.n_quote == 5 && memcmp(a.quote, "quote", 5) == 0);
}

static void test_every_cut_and_more_is_refused(void)
{
	uint8_t more[sizeof(good) + 1] = { 0 };
	struct qgs_answer a;
	size_t n;

	for (n = 0; n < sizeof(good); n++) {
		auto_free uint8_t *p = xmemdup(good, n);

		assert(qgs_parse(p, n, &a) == (n < 16 ? QGS_TRUNCATED : QGS_BAD_SIZE));
		if (n >= 16) { /* and when the size says so */
			p[8] = (uint8_t)n;
			assert(qgs_parse(p, n, &a) == QGS_TRUNCATED);
		}
	}
	memcpy(more, good, sizeof(good));
	more[8]++;
	assert(qgs_parse(more, sizeof(more), &a) == QGS_BAD_SIZE);
}

static void test_lies_are_refused(void)
{
	struct qgs_answer a = { 0 };

	assert(with(0, 2, &a) == QGS_BAD_VERSION);
	assert(with(4, 0, &a) == QGS_BAD_TYPE);
	assert(with(8, 30, &a) == QGS_BAD_SIZE);
	assert(with(12, 9, &a) == QGS_REFUSED && a.error == 9 && !a.quote);
	assert(with(16, 3, &a) == QGS_TRUNCATED);
	assert(with(19, 0xff, &a) == QGS_TRUNCATED);
	assert(with(20, 4, &a) == QGS_BAD_SIZE);
	assert(with(23, 0xff, &a) == QGS_TRUNCATED);
	assert(with(20, 0, &a) == QGS_BAD_SIZE);
}

static void test_length_has_a_limit(void)
{
	static const uint8_t fits[] = { 0, 0, 0x40, 0 }, over[] = { 0, 0, 0x40, 1 },
			     huge[] = { 0xff, 0xff, 0xff, 0xff };
	size_t n = 0;

	assert(qgs_length(fits, &n) == QGS_OK && n == QGS_ANSWER_MAX);
	assert(qgs_length(over, &n) == QGS_TOO_LARGE && qgs_length(huge, &n) == QGS_TOO_LARGE);
}

int main(void)
{
	test_request_is_intels();
	test_quote_is_found();
	test_every_cut_and_more_is_refused();
	test_lies_are_refused();
	test_length_has_a_limit();
	return 0;
}
