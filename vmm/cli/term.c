/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/term.h"

#include <stdlib.h>
#include <unistd.h>

#include <sys/ioctl.h>

#include "base/num.h"
#include "base/str.h"

enum { WIDTH_DEFAULT = 80, WIDTH_MIN = 40, WIDTH_MAX = 1000 };

static unsigned int width_of(int fd)
{
	const char *columns = getenv("COLUMNS");
	struct winsize ws = { .ws_col = 0 };
	uint32_t n;

	if (columns && num_parse_u32(columns, WIDTH_MIN, WIDTH_MAX, &n) == 0)
		return n;
	if (ioctl(fd, TIOCGWINSZ, &ws) == 0 && ws.ws_col >= WIDTH_MIN)
		return ws.ws_col;
	return WIDTH_DEFAULT;
}

struct term term_of(int fd)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	bool is_dumb = !term || !*term || str_equal(term, "dumb");
	struct term t = { .is_tty = isatty(fd) == 1 };

	if (!t.is_tty)
		return t;
	t.width = width_of(fd);
	t.wants_colour = !is_dumb && !(no_color && *no_color);
	t.is_tty = !is_dumb; /* a dumb terminal cannot redraw */
	return t;
}

const char *term_colour(const struct term *t, enum colour c)
{
	static const char *const codes[COLOUR_COUNT] = {
		[COLOUR_NONE] = "\033[0m", [COLOUR_GOOD] = "\033[32m", [COLOUR_BUSY] = "\033[33m",
		[COLOUR_BAD] = "\033[31m", [COLOUR_DIM] = "\033[2m",
	};

	return t->wants_colour ? codes[c] : "";
}
