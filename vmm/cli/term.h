/* SPDX-License-Identifier: Apache-2.0 */
/* term: what stdout and stderr are, so that people get colours and programs do not */
#pragma once

#include <stdbool.h>

struct term {
	bool is_tty; /* may redraw a line */
	bool wants_colour;
	unsigned int width; /* columns; 0: no limit (not a terminal) */
};

enum colour { COLOUR_NONE, COLOUR_GOOD, COLOUR_BUSY, COLOUR_BAD, COLOUR_DIM, COLOUR_COUNT };

/* Look at @fd and at NO_COLOR, TERM and COLUMNS. */
struct term term_of(int fd);

/* The sequence that begins @c, or the one that ends any with COLOUR_NONE; "" where colours are off. */
const char *term_colour(const struct term *t, enum colour c);
