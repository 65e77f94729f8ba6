/* SPDX-License-Identifier: Apache-2.0 */
/* Test table: columns fit, shrink where they may, and never let a control byte through. */
#undef NDEBUG
#include "cli/table.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"

static const struct table_column columns[] = {
	{ "NAME", true },
	{ "ID", false },
	{ "PORTS", true },
	{ NULL, false },
};

static void prints(const struct term *term, const char *const *cells, size_t n, const char *want)
{
	auto_buf struct buf out = BUF_MAX(65536);
	struct table *t = table_new(columns);
	size_t i;

	for (i = 0; i < n; i++)
		table_cell(t, i % 3 == 1 ? COLOUR_GOOD : COLOUR_NONE, "%s", cells[i]);
	assert(table_print(t, term, &out) == 0);
	if (!str_equal((char *)out.p, want))
		(void)fprintf(stderr, "%s---\n%s", (char *)out.p, want);
	assert(str_equal((char *)out.p, want));
	assert(table_free(t) == NULL);
}

static const char *const two_rows[] = { "web", "3f2504e0", "127.0.0.1:80->80", "a-long-name-indeed",
					"0a",  "" };

static void test_columns_line_up(void)
{
	const struct term pipe = { .width = 0 };

	prints(&pipe, two_rows, 6,
	       "NAME                ID        PORTS\n"
	       "web                 3f2504e0  127.0.0.1:80->80\n"
	       "a-long-name-indeed  0a        \n");
}

static void test_no_rows(void)
{
	const struct term pipe = { .width = 0 };

	prints(&pipe, NULL, 0, "NAME  ID  PORTS\n");
}

static void test_narrow_terminal(void)
{
	const struct term narrow = { .width = 40 };

	prints(&narrow, two_rows, 6,
	       "NAME            ID        PORTS\n"
	       "web             3f2504e0  127.0.0.1:8...\n"
	       "a-long-name...  0a        \n");
}

static void test_colours_do_not_count_as_width(void)
{
	const struct term colour = { .width = 0, .wants_colour = true };
	static const char *const row[] = { "web", "1", "x" };

	prints(&colour, row, 3, "NAME  ID  PORTS\nweb   \033[32m1   \033[0mx\n");
}

static void test_control_bytes_are_escaped(void)
{
	const struct term pipe = { .width = 0 };
	static const char *const row[] = { "\033[31m", "\xc3\xbc", "\xff" };

	prints(&pipe, row, 3, "NAME      ID  PORTS\n\\x1b[31m  \xc3\xbc   \\xff\n");
}

int main(void)
{
	test_columns_line_up();
	test_no_rows();
	test_narrow_terminal();
	test_colours_do_not_count_as_width();
	test_control_bytes_are_escaped();
	return 0;
}
