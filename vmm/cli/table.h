/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: columns for people, as wide as they need and as narrow as they must
 *
 * Owns     its cells.  Text is escaped as it comes in: cells may hold a guest's or a daemon's words.
 * Limits   TABLE_COLUMNS columns, TABLE_CELL_MAX bytes a cell.
 */
#pragma once

#include <stddef.h>

#include "cli/term.h"

struct buf;

enum { TABLE_COLUMNS = 10, TABLE_CELL_MAX = 400, TABLE_NARROWEST = 8 };

struct table_column {
	const char *title; /* NULL ends the list */
	bool may_shrink;   /* cut with "..." when the terminal is too narrow */
};

struct table;

/* @columns is borrowed for the table's life. */
struct table *table_new(const struct table_column *columns);
struct table *table_free(struct table *t);

/* The next cell, in reading order. */
void table_cell(struct table *t, enum colour c, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Titles and rows; every row was filled.  Return: of buf_add(). */
int table_print(const struct table *t, const struct term *term, struct buf *ret);
