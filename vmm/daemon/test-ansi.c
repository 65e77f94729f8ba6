/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "daemon/ansi.h"

/* Strip @in whole, and again cut in two at each place: always @want. */
static void expect(const char *in, const char *want)
{
	size_t n = strlen(in), cut, got;
	uint8_t out[6144];
	struct ansi a;

	assert(n < sizeof(out));
	for (cut = 0; cut <= n; cut++) {
		a = (struct ansi){ .state = ANSI_TEXT };
		got = ansi_strip(&a, out, (const uint8_t *)in, cut);
		got += ansi_strip(&a, out + got, (const uint8_t *)in + cut, n - cut);
		if (got != strlen(want) || memcmp(out, want, got) != 0)
			(void)fprintf(stderr, "cut at %zu: \"%.*s\"\n", cut, (int)got, out);
		assert(got == strlen(want) && memcmp(out, want, got) == 0);
	}
}

static void test_text_stays(void)
{
	expect("plain\ttext\r\n", "plain\ttext\r\n");
	expect("\xc3\xa4 \xe2\x82\xac", "\xc3\xa4 \xe2\x82\xac");
	expect("", "");
}

static void test_sequences_go(void)
{
	expect("\x1b[31mred\x1b[0m", "red");
	expect("\x1b[38;5;196mx\x1b[?25l", "x");
	expect("\x1b]0;title\x07rest", "rest");
	expect("\x1b]8;;http://x\x1b\\link", "link");
	expect("\x1bPdcs\x1b\\after", "after");
	expect("\x1b(Bcharset\x1b=x", "charsetx");
	expect("a\x1b\x1b[1mb", "ab");
	expect("bell\x07 back\x08 del\x7f", "bell back del");
}

/* What a terminal takes for ESC [ and its like, in UTF-8. */
static void test_c1_characters_go(void)
{
	expect("\xc2\x9b"
	       "31mred\xc2\x9b"
	       "0m",
	       "red");
	expect("\xc2\x9d"
	       "0;title\x07rest",
	       "rest");
	expect("\xc2\x90"
	       "dcs\x1b\\after\xc2\x85x",
	       "afterx");
	expect("\xc2\xa9 \xc2\xc2\x9b"
	       "1mx",
	       "\xc2\xa9 \xc2x");
	expect("\xc2\x1b[1mx\xc2\n", "\xc2x\xc2\n");
}

/* A guest that opens a string and never ends it must not hide what follows. */
static void test_an_unended_sequence_ends_with_its_line(void)
{
	expect("\x1b]0;never ended\nnext line", "\nnext line");
	expect("\x1b[12;\nnext", "\nnext");
}

static void test_an_unended_sequence_is_given_up(void)
{
	char in[ANSI_SEQUENCE_MAX + 64];

	memset(in, 'x', sizeof(in));
	memcpy(in, "\x1bP", 2);
	in[sizeof(in) - 1] = 0;
	expect(in, in + ANSI_SEQUENCE_MAX + 1);
}

int main(void)
{
	test_text_stays();
	test_sequences_go();
	test_c1_characters_go();
	test_an_unended_sequence_ends_with_its_line();
	test_an_unended_sequence_is_given_up();
	return 0;
}
