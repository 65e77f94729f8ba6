/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/sums.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"

static void test_lines_are_read_in_order(void)
{
	static const char text[] = A "  bzImage\n" B " *a.b-c_d\n";
	struct rd r = rd_over(text, strlen(text));
	struct sum s;

	assert(sums_next(&r, &s, NULL) == 1 && strcmp(s.name, "bzImage") == 0 &&
	       s.digest.b[31] == 0xaa);
	assert(sums_next(&r, &s, NULL) == 1 && strcmp(s.name, "a.b-c_d") == 0 &&
	       s.digest.b[0] == 0xbb);
	assert(sums_next(&r, &s, NULL) == 0);
	assert(sums_find(text, strlen(text), "bzImage", &s, NULL) == 1 && s.digest.b[0] == 0xaa);
	assert(sums_find(text, strlen(text), "bzimage", &s, NULL) == 0);
	assert(sums_find("", 0, "x", &s, NULL) == 0);
}

static void test_anything_else_is_corrupt(void)
{
	static const char *const bad[] = {
		"\n",
		A "\n",
		A "  \n",
		A " bzImage\n",
		A "  bzImage",
		A "  a/b\n",
		A "  ..\n",
		A "  .\n",
		A "  a b\n",
		A "  a\r\n",
		"\\" A "  a\n",
		A "\t a\n",
		A "0  a\n",
		"x" A "  a\n",
		A "  a\n\n",
		A "  a\n#\n",
		A "  a\\b\n",
		"aaaa  a\n",
		"gaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa  a\n",
	};
	struct sum s;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(sums_find(bad[i], strlen(bad[i]), "zzz", &s, NULL) == ERR_CORRUPT);
	assert(sums_find(A "  a\0b\n", 70, "a", &s, NULL) == ERR_CORRUPT);
}

static void test_a_name_twice_is_corrupt(void)
{
	static const char text[] = A "  a\n" B "  a\n";
	struct sum s;

	assert(sums_find(text, strlen(text), "a", &s, NULL) == ERR_CORRUPT);
}

static void test_long_names_and_many_lines_are_corrupt(void)
{
	static char text[(SUMS_LINES_MAX + 1) * 68];
	char name[66 + SUMS_NAME_MAX + 3];
	struct sum s;
	size_t i;

	for (i = 0; i <= SUMS_LINES_MAX; i++)
		memcpy(text + i * 68, A "  a\n", 68);
	assert(sums_find(text, sizeof(text), "x", &s, NULL) == ERR_CORRUPT);
	assert(sums_find(text, sizeof(text) - 68, "x", &s, NULL) == 0);
	memcpy(name, A "  ", 66);
	memset(name + 66, 'n', SUMS_NAME_MAX + 1);
	name[66 + SUMS_NAME_MAX] = '\n';
	assert(sums_find(name, 66 + SUMS_NAME_MAX + 1, "x", &s, NULL) == 0);
	name[66 + SUMS_NAME_MAX] = 'n';
	name[66 + SUMS_NAME_MAX + 1] = '\n';
	assert(sums_find(name, 66 + SUMS_NAME_MAX + 2, "x", &s, NULL) == ERR_CORRUPT);
}

int main(void)
{
	test_lines_are_read_in_order();
	test_anything_else_is_corrupt();
	test_a_name_twice_is_corrupt();
	test_long_names_and_many_lines_are_corrupt();
	return 0;
}
