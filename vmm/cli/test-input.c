/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "cli/input.h"

#include <assert.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"

static void becomes(const char *text, const void *want, size_t n)
{
	auto_buf struct buf b = BUF_MAX(4096);

	assert(buf_add(&b, text, strlen(text)) == 0);
	input_unhex(&b);
	assert(b.n == n && memcmp(b.p, want, n) == 0 && b.p[n] == 0);
}

static void stays(const char *text)
{
	becomes(text, text, strlen(text));
}

static void test_hex_becomes_bytes(void)
{
	becomes("0400ff", "\x04\x00\xff", 3);
	becomes("0400FF\n", "\x04\x00\xff", 3);
	becomes("  0x04 00\tff\r\n", "\x04\x00\xff", 3);
	becomes("0X0400ff", "\x04\x00\xff", 3);
	becomes("0 4 0\n0", "\x04\x00", 2);
}

static void test_anything_else_stays(void)
{
	stays("");
	stays("040");
	stays("0x");
	stays("0x040");
	stays("0400fg");
	stays("04:00");
	stays("\x04");
	stays("  ");
	stays("04 0x00");
}

static void test_files_are_read_up_to_a_limit(void)
{
	auto_buf struct buf b = { 0 };
	struct err e = ERR_NONE;

	assert(input_read("/proc/self/comm", 64, &b, &e) == 0 && b.n == strlen("test-cli-input\n"));
	buf_deinit(&b);
	assert(input_read("/proc/self/comm", 4, &b, &e) == ERR_INPUT &&
	       strstr(e.text, "more than"));
	buf_deinit(&b);
	assert(input_read("/none", 4, &b, &e) == ERR_INPUT && strstr(e.text, "/none"));
	assert(input_read("/", 4, &b, &e) == ERR_INPUT);
}

int main(void)
{
	test_hex_becomes_bytes();
	test_anything_else_stays();
	test_files_are_read_up_to_a_limit();
	return 0;
}
