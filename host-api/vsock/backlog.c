/* SPDX-License-Identifier: Apache-2.0 */
#include "vsockdev/backlog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void backlog_deinit(struct backlog *b)
{
	free(b->p);
	*b = (struct backlog){ .n = 0 };
}

/* The waiting bytes as one or two pieces.  Return: how many. */
static size_t pieces(const struct backlog *b, struct iovec out[static 2])
{
	size_t first = b->size - b->head;

	if (first >= b->n) {
		out[0] = (struct iovec){ .iov_base = b->p + b->head, .iov_len = b->n };
		return 1;
	}
	out[0] = (struct iovec){ .iov_base = b->p + b->head, .iov_len = first };
	out[1] = (struct iovec){ .iov_base = b->p, .iov_len = b->n - first };
	return 2;
}

static int grow(struct backlog *b, size_t capacity)
{
	struct iovec old[2];
	uint8_t *p;
	size_t i, n, at = 0;

	if (b->size >= capacity)
		return 0;
	p = malloc(capacity);
	if (!p)
		return -ENOMEM;
	n = b->n ? pieces(b, old) : 0;
	for (i = 0; i < n; i++) {
		memcpy(p + at, old[i].iov_base, old[i].iov_len);
		at += old[i].iov_len;
	}
	free(b->p);
	b->p = p;
	b->size = capacity;
	b->head = 0;
	return 0;
}

static void append(struct backlog *b, const uint8_t *from, size_t n)
{
	size_t tail = (b->head + b->n) % b->size, first = b->size - tail;

	if (first > n)
		first = n;
	memcpy(b->p + tail, from, first);
	memcpy(b->p, from + first, n - first);
	b->n += n;
}

int backlog_add(struct backlog *b, size_t capacity, const struct iovec *iov, size_t n_iov)
{
	size_t i, total = 0;
	int rc;

	for (i = 0; i < n_iov; i++)
		total += iov[i].iov_len;
	if (total == 0)
		return 0;
	rc = grow(b, capacity);
	if (rc < 0)
		return rc;
	if (total > b->size - b->n)
		return -EMSGSIZE;
	for (i = 0; i < n_iov; i++)
		append(b, iov[i].iov_base, iov[i].iov_len);
	return 0;
}

ssize_t backlog_flush(struct backlog *b, int fd)
{
	ssize_t total = 0, rc;
	struct iovec iov[2];

	while (b->n > 0) {
		rc = writev(fd, iov, (int)pieces(b, iov));
		if (rc < 0 && errno == EINTR)
			continue;
		if (rc < 0)
			return errno == EAGAIN ? total : -errno;
		b->head = (b->head + (size_t)rc) % b->size;
		b->n -= (size_t)rc;
		total += rc;
	}
	return total;
}
