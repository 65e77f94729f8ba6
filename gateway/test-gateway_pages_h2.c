/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "gateway/pages_h2.h"

#include <assert.h>
#include <stdbool.h>
#include <string.h>

#include "base/buf.h"

#define PREFACE		 "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define SETTINGS	 "\0\0\0\4\0\0\0\0\0"
#define GET		 "\0\0\4\1\5\0\0\0\1\x82\x86\x84\x81"
#define ACK		 "\0\0\0\4\1\0\0\0\0"
#define LEAVE(last, why) "\0\0\x08\7\0\0\0\0\0\0\0\0" last "\0\0\0" why
#define NO_STORE	 "\x0f\x09\x08no-store"
#define N(text)		 (text), sizeof(text) - 1

static const char page_502[] =
	"<!doctype html><html lang=\"en\"><title>502 Bad Gateway</title><h1>502 Bad Gateway</h1>"
	"<p>The app did not take the connection.</p></html>\n";

static enum pages_verdict ask(enum conn_page page, const char *p, size_t n, struct buf *ret)
{
	static char room[2 * PAGES_HEAD_MAX];

	assert(sizeof(PREFACE) - 1 + n <= sizeof(room));
	memcpy(room, PREFACE, sizeof(PREFACE) - 1);
	memcpy(room + sizeof(PREFACE) - 1, p, n);
	return pages_h2_answer(page, room, sizeof(PREFACE) - 1 + n, ret);
}

static void answers(enum conn_page page, const char *p, size_t n, const char *want, size_t n_want)
{
	auto_buf struct buf b = BUF_MAX(4096);

	assert(ask(page, p, n, &b) == PAGES_ANSWERED);
	assert(b.n == n_want && memcmp(b.p, want, n_want) == 0);
}

static void test_a_get_has_its_page(void)
{
	auto_buf struct buf want = BUF_MAX(4096);
	char data[] = "\0\0\0\0\1\0\0\0\1";

	assert(sizeof(page_502) - 1 == 136 && buf_add(&want, N(ACK)) == 0);
	assert(buf_add(&want, N("\0\0\x31\1\4\0\0\0\1"
				"\x08\x03"
				"502" NO_STORE "\x0f\x10\x18text/html; charset=utf-8"
				"\x0f\x0d\x03"
				"136")) == 0);
	data[2] = (char)(sizeof(page_502) - 1);
	assert(buf_add(&want, data, 9) == 0 && buf_add(&want, N(page_502)) == 0);
	assert(buf_add(&want, N(LEAVE("\1", "\0"))) == 0);
	answers(PAGE_502, N(SETTINGS GET), (const char *)want.p, want.n);
}

/* A status and no page; who has not ended its request is told that it may. */
static void test_others_have_the_status(void)
{
	answers(PAGE_503, N(SETTINGS "\0\0\1\1\5\0\0\0\3\x83"),
		N(ACK "\0\0\x14\1\5\0\0\0\3\x08\x03"
		      "503" NO_STORE "\x0f\x26\x01"
		      "5" LEAVE("\3", "\0")));
	answers(PAGE_504, N(SETTINGS "\0\0\1\1\4\0\0\0\5\x83"),
		N(ACK "\0\0\x10\1\5\0\0\0\5\x08\x03"
		      "504" NO_STORE "\0\0\4\3\0\0\0\0\5\0\0\0\0" LEAVE("\5", "\0")));
}

static bool is_page(const char *p, size_t n)
{
	auto_buf struct buf b = BUF_MAX(4096);

	assert(ask(PAGE_502, p, n, &b) == PAGES_ANSWERED);
	return memmem(b.p, b.n, N("<h1>")) != NULL;
}

static void test_a_get_is_found_where_clients_write_it(void)
{
	assert(is_page(N(SETTINGS "\0\0\1\1\5\0\0\0\1\x82")));
	assert(is_page(N(SETTINGS "\0\0\2\1\5\0\0\0\1\x20\x82"))); /* a table of size 0 first */
	assert(is_page(N(SETTINGS "\0\0\4\1\x0d\0\0\0\1\2\x82zz")));
	assert(is_page(N(SETTINGS "\0\0\6\1\x25\0\0\0\1\0\0\0\0\x10\x82")));
	assert(is_page(N(SETTINGS "\0\0\7\1\x2d\0\0\0\1\0\0\0\0\0\x10\x82")));
	assert(!is_page(N(SETTINGS "\0\0\1\1\x2d\0\0\0\1\x82"))); /* shorter than its flags say */
	assert(!is_page(N(SETTINGS "\0\0\1\1\5\0\0\0\1\x84")));
	assert(!is_page(N(SETTINGS "\0\0\2\1\5\0\0\0\1\x3f\x82")));
	/* behind what is no request */
	assert(is_page(N(SETTINGS "\0\0\4\x08\0\0\0\0\0\0\1\0\0" ACK "\0\0\x08\6\0\0\0\0\0pingpong"
				  "\0\0\5\2\0\0\0\0\3\0\0\0\0\x10\0\0\3\x99\0\0\0\0\1new" GET)));
}

static void test_any_piece_of_it_waits(void)
{
	static const char all[] = PREFACE SETTINGS "\0\0\4\x08\0\0\0\0\0\0\1\0\0" GET;
	size_t n;

	for (n = 0; n < sizeof(all) - 1; n++) {
		auto_buf struct buf b = BUF_MAX(4096);

		assert(pages_h2_answer(PAGE_502, all, n, &b) == PAGES_MORE && b.n == 0);
	}
}

static void test_what_is_not_http2_is_told_so(void)
{
	static const struct {
		const char *p;
		size_t n;
		uint8_t why;
	} bad[] = {
		{ N(GET), 1 },				 /* no settings */
		{ N(ACK), 1 },				 /* those are ours */
		{ N("\0\0\0\4\0\0\0\0\1"), 1 },		 /* of a stream */
		{ N("\0\0\5\4\0\0\0\0\0"), 6 },		 /* not in sixes */
		{ N("\0\x40\1\4\0\0\0\0\0"), 6 },	 /* longer than we allow */
		{ N(SETTINGS "\0\0\1\4\1\0\0\0\0"), 6 }, /* an answer with words */
		{ N(SETTINGS "\xff\xff\xff\x99\0\0\0\0\0"), 6 },
		{ N(SETTINGS "\0\0\7\6\0\0\0\0\0"), 6 },
		{ N(SETTINGS "\0\0\x08\6\0\0\0\0\1"), 1 },
		{ N(SETTINGS "\0\0\5\x08\0\0\0\0\0"), 6 },
		{ N(SETTINGS "\0\0\5\2\0\0\0\0\0"), 1 },
		{ N(SETTINGS "\0\0\4\2\0\0\0\0\1"), 6 },
		{ N(SETTINGS "\0\0\1\1\5\0\0\0\2\x82"), 1 }, /* a stream of ours */
		{ N(SETTINGS "\0\0\1\1\5\0\0\0\0\x82"), 1 },
		{ N(SETTINGS "\0\0\0\1\5\0\0\0\1"), 1 },
		{ N(SETTINGS "\0\0\1\0\1\0\0\0\1x"), 1 }, /* data of nothing */
		{ N(SETTINGS "\0\0\4\3\0\0\0\0\1\0\0\0\0"), 1 },
		{ N(SETTINGS "\0\0\4\5\4\0\0\0\1\0\0\0\2"), 1 },
		{ N(SETTINGS "\0\0\1\x09\4\0\0\0\1\x82"), 1 },
	};
	char want[] = LEAVE("\0", "\0");
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		want[16] = (char)bad[i].why;
		answers(PAGE_502, bad[i].p, bad[i].n, want, sizeof(want) - 1);
	}
}

static void test_who_asks_nothing_gets_nothing(void)
{
	static char much[PAGES_HEAD_MAX];
	auto_buf struct buf b = BUF_MAX(4096);
	size_t n = 0;

	assert(ask(PAGE_502, N(SETTINGS LEAVE("\0", "\0")), &b) == PAGES_NOT_HTTP);
	assert(pages_h2_answer(PAGE_502, "GET / HTTP/1.1\r\n", 16, &b) == PAGES_NOT_HTTP);
	assert(pages_h2_answer(PAGE_502, "PRJ", 3, &b) == PAGES_NOT_HTTP && b.n == 0);
	for (; n + 9 <= sizeof(much); n += 9)
		memcpy(much + n, pages_h2_hello, PAGES_H2_HELLO); /* a client's would be the same */
	answers(PAGE_502, much, n, N(LEAVE("\0", "\x0b")));
}

int main(void)
{
	test_a_get_has_its_page();
	test_others_have_the_status();
	test_a_get_is_found_where_clients_write_it();
	test_any_piece_of_it_waits();
	test_what_is_not_http2_is_told_so();
	test_who_asks_nothing_gets_nothing();
	return 0;
}
