/* SPDX-License-Identifier: Apache-2.0 */
/* Test clean: what of a hostile console reaches a terminal, however it is cut. */
#undef NDEBUG
#include "cli/clean.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

/* @in in chunks of @step bytes, the first one of @first. */
static void cleans_in_chunks(const char *in, size_t first, size_t step, const char *want)
{
	auto_buf struct buf out = BUF_MAX(4096);
	struct clean c = CLEAN_NULL;
	size_t n = strlen(in), at, size = first;

	for (at = 0; at < n; at += size, size = step) {
		if (size > n - at)
			size = n - at;
		assert(clean_add(&c, in + at, size, &out) == 0);
	}
	assert(buf_add(&out, "", 1) == 0);
	if (!str_equal((char *)out.p, want))
		(void)fprintf(stderr, "\"%s\", want \"%s\"\n", (char *)out.p, want);
	assert(str_equal((char *)out.p, want));
}

/* All cuts into two chunks, and byte by byte, must give the same. */
static void cleans(const char *in, const char *want)
{
	size_t n = strlen(in), cut;

	cleans_in_chunks(in, 1, 1, want);
	for (cut = 0; cut <= n; cut++)
		cleans_in_chunks(in, cut, n, want);
}

static void test_text_passes(void)
{
	cleans("a\tb\n", "a\tb\n");
	cleans("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8f\xb0\n",
	       "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8f\xb0\n");
}

static void test_line_ends(void)
{
	cleans("a\r\nb\r\n", "a\nb\n");
	cleans("a\r\r\nb", "a\nb");
	cleans("50%\r60%\n", "50%\n60%\n");
}

static void test_sequences_vanish(void)
{
	cleans("\033[31mred\033[0m\n", "red\n");
	cleans("\033]0;title\007x", "x");
	cleans("\033]52;c;ZXZpbA==\033\\x", "x");
	cleans("\033P1$r\033\\x", "x");
	cleans("\033(Bx", "x");
	cleans("\033cx", "x");
	cleans("\033[2J\033[1;1Hx", "x");
	cleans("a\bb\x7f\x0e"
	       "c",
	       "abc");
	/* the eight-bit forms, raw and as UTF-8 */
	cleans("\x9b"
	       "31mx",
	       "?31mx");
	cleans("\xc2\x9b"
	       "31mx",
	       "?31mx");
}

static void test_bad_utf8_is_marked(void)
{
	cleans("\xff\xfe"
	       "a",
	       "??a");
	cleans("\xc3"
	       "a",
	       "?a");
	cleans("\xe2\x82"
	       "a\n",
	       "?a\n");
	cleans("\xed\xa0\x80"
	       "a",
	       "?a");
	cleans("\xc3\033[31mx", "?x");
}

static void test_runaway_sequence_ends(void)
{
	auto_buf struct buf out = BUF_MAX(4096);
	struct clean c = CLEAN_NULL;
	char endless[CLEAN_SEQUENCE_MAX + 64];

	cleans("\033]0;never ends\nx", "\nx");
	memset(endless, ';', sizeof(endless));
	assert(clean_add(&c, "\033[", 2, &out) == 0);
	assert(clean_add(&c, endless, sizeof(endless), &out) == 0);
	assert(clean_add(&c, "x", 1, &out) == 0);
	assert(out.n > 1 && out.p[out.n - 1] == 'x');
}

int main(void)
{
	test_text_passes();
	test_line_ends();
	test_sequences_vanish();
	test_bad_utf8_is_marked();
	test_runaway_sequence_ends();
	return 0;
}
