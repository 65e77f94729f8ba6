/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/input.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"

enum { SHOWN = 200 };

static int read_fd(int fd, const char *shown, size_t max, struct buf *ret, struct err *e)
{
	ssize_t n;
	int rc = buf_reserve(ret, max + 1);

	if (rc < 0)
		return err_errno(e, -rc, "%s", shown);
	n = fd_read_full(fd, ret->p, max + 1);
	if (n < 0) {
		(void)err_errno(e, (int)-n, "%s cannot be read", shown);
		return ERR_INPUT;
	}
	if ((size_t)n > max) {
		return err_set(e, ERR_INPUT,
			       "%s holds more than %zu bytes: it is not what it "
			       "was given as",
			       shown, max);
	}
	ret->n = (size_t)n;
	ret->p[n] = 0;
	return 0;
}

int input_read(const char *path, size_t max, struct buf *ret, struct err *e)
{
	bool is_stdin = str_equal(path, "-");
	char shown[SHOWN];
	auto_close int fd = -1;

	*ret = BUF_MAX(max + 2);
	if (is_stdin)
		return read_fd(STDIN_FILENO, "stdin", max, ret, e);
	(void)str_escape(shown, sizeof(shown), path, strlen(path));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		(void)err_errno(e, errno, "%s cannot be opened", shown);
		return ERR_INPUT;
	}
	return read_fd(fd, shown, max, ret, e);
}

static int digit(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (uint8_t)tolower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Return: how many digits there are from @at on; 0 if there is anything else, or an odd number. */
static size_t digits(const struct buf *b, size_t at)
{
	size_t n = 0;

	for (; at < b->n; at++) {
		if (digit(b->p[at]) >= 0)
			n++;
		else if (!is_space(b->p[at]))
			return 0;
	}
	return n % 2 ? 0 : n;
}

void input_unhex(struct buf *b)
{
	size_t at = 0, n = 0;

	while (at < b->n && is_space(b->p[at]))
		at++;
	if (b->n - at >= 2 && b->p[at] == '0' && (b->p[at + 1] | 0x20) == 'x')
		at += 2;
	if (digits(b, at) == 0)
		return;
	for (; at < b->n; at++) {
		int d = digit(b->p[at]);

		if (d < 0)
			continue;
		/* what is written is never ahead of what is read */
		b->p[n / 2] = (uint8_t)(n % 2 ? b->p[n / 2] | d : d << 4);
		n++;
	}
	b->n = n / 2;
	b->p[b->n] = 0;
}
