/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

enum { GAP = 2, CELLS_STEP = 64 };

struct cell {
	enum colour colour;
	char *text;
};

struct table {
	const struct table_column *columns;
	size_t n_columns, n_cells, cap;
	struct cell *cells;
};

struct table *table_new(const struct table_column *columns)
{
	struct table *t = xnew(struct table);

	t->columns = columns;
	while (columns[t->n_columns].title)
		t->n_columns++;
	assert(t->n_columns && t->n_columns <= TABLE_COLUMNS);
	return t;
}

struct table *table_free(struct table *t)
{
	size_t i;

	if (!t)
		return NULL;
	for (i = 0; i < t->n_cells; i++)
		free(t->cells[i].text);
	free(t->cells);
	free(t);
	return NULL;
}

void table_cell(struct table *t, enum colour c, const char *fmt, ...)
{
	char text[TABLE_CELL_MAX], shown[TABLE_CELL_MAX];
	struct cell *more;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	assert(n >= 0);
	if (t->n_cells == t->cap) {
		more = xcalloc(t->cap + CELLS_STEP, sizeof(*more));
		if (t->n_cells)
			memcpy(more, t->cells, t->n_cells * sizeof(*more));
		free(t->cells);
		t->cells = more;
		t->cap += CELLS_STEP;
	}
	t->cells[t->n_cells++] = (struct cell){
		.colour = c,
		.text = xstrdup(str_escape(shown, sizeof(shown), text, strlen(text))),
	};
}

/* Columns that a text fills: a UTF-8 character counts as one. */
static size_t width(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static void natural_widths(const struct table *t, size_t w[static TABLE_COLUMNS])
{
	size_t i, n;

	for (i = 0; i < t->n_columns; i++)
		w[i] = width(t->columns[i].title);
	for (i = 0; i < t->n_cells; i++) {
		n = width(t->cells[i].text);
		if (n > w[i % t->n_columns])
			w[i % t->n_columns] = n;
	}
}

/* Take from the widest column that may give, one by one, until the line fits. */
static void shrink(const struct table *t, size_t limit, size_t w[static TABLE_COLUMNS])
{
	size_t i, widest, total;

	for (;;) {
		widest = t->n_columns;
		total = GAP * (t->n_columns - 1);
		for (i = 0; i < t->n_columns; i++) {
			total += w[i];
			if (t->columns[i].may_shrink && w[i] > TABLE_NARROWEST &&
			    (widest == t->n_columns || w[i] > w[widest]))
				widest = i;
		}
		if (total <= limit || widest == t->n_columns)
			return;
		w[widest]--;
	}
}

/* Bytes of the first @n columns of @s. */
static int bytes_of(const char *s, size_t n)
{
	const char *p = s;

	for (; *p; p++) {
		if (((unsigned char)*p & 0xc0) != 0x80 && n-- == 0)
			break;
	}
	return (int)(p - s);
}

static int put_cell(const char *text, size_t w, bool is_last, struct buf *ret)
{
	size_t n = width(text);

	if (n > w)
		return buf_addf(ret, "%.*s...%*s", bytes_of(text, w - 3), text, is_last ? 0 : GAP,
				"");
	return buf_addf(ret, "%s%*s", text, is_last ? 0 : (int)(w - n) + GAP, "");
}

static int put_coloured(const struct cell *c, const struct term *term, size_t w, bool is_last,
			struct buf *ret)
{
	bool plain = c->colour == COLOUR_NONE;
	int rc = plain ? 0 : buf_add_str(ret, term_colour(term, c->colour));

	if (rc == 0)
		rc = put_cell(c->text, w, is_last, ret);
	if (rc == 0 && !plain)
		rc = buf_add_str(ret, term_colour(term, COLOUR_NONE));
	return rc;
}

int table_print(const struct table *t, const struct term *term, struct buf *ret)
{
	size_t w[TABLE_COLUMNS] = { 0 }, i;
	int rc = 0;

	assert(t->n_cells % t->n_columns == 0);
	natural_widths(t, w);
	if (term->width)
		shrink(t, term->width, w);
	for (i = 0; i < t->n_columns && rc == 0; i++) {
		rc = put_cell(t->columns[i].title, w[i], i + 1 == t->n_columns, ret);
	}
	for (i = 0; i < t->n_cells && rc == 0; i++) {
		if (i % t->n_columns == 0)
			rc = buf_add_str(ret, "\n");
		if (rc == 0)
			rc = put_coloured(&t->cells[i], term, w[i % t->n_columns],
					  (i + 1) % t->n_columns == 0, ret);
	}
	return rc == 0 ? buf_add_str(ret, "\n") : rc;
}
