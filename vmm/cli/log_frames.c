/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/log_frames.h"

#include <string.h>

#include "base/err.h"
#include "base/num.h"

/* "@FROM TO N", the newline replaced by a 0. */
static int read_head(struct log_frames *f)
{
	char *at = f->head + 1, *from = strsep(&at, " "), *to = strsep(&at, " ");

	if (f->head[0] != '@' || !at || num_parse_u64(from, 0, INT64_MAX, &f->from) ||
	    num_parse_u64(to, 0, INT64_MAX, &f->to) || num_parse_u64(at, 0, INT64_MAX, &f->left) ||
	    f->to < f->from || f->left != f->to - f->from)
		return ERR_PROTO;
	return 0;
}

/* Return: 1: the header is whole; 0; ERR_PROTO. */
static int take_head(struct log_frames *f, const char **p, size_t *n)
{
	while (*n > 0) {
		char c = *(*p)++;

		--*n;
		if (c == '\n') {
			f->head[f->n_head] = 0;
			f->n_head = 0;
			return read_head(f) ? ERR_PROTO : 1;
		}
		if (!c || f->n_head + 1 == sizeof(f->head))
			return ERR_PROTO;
		f->head[f->n_head++] = c;
	}
	return 0;
}

int log_frames_next(struct log_frames *f, const char **p, size_t *n, struct log_piece *ret)
{
	uint64_t gone = 0;
	size_t take;
	int rc;

	if (f->left == 0) {
		rc = take_head(f, p, n);
		if (rc <= 0)
			return rc;
		if (f->next != UINT64_MAX && f->from > f->next)
			gone = f->from - f->next;
		f->next = f->to;
	}
	take = f->left < *n ? (size_t)f->left : *n;
	*ret = (struct log_piece){ .p = *p, .n = take, .gone = gone };
	*p += take;
	*n -= take;
	f->left -= take;
	f->at = f->to - f->left;
	return 1;
}
