/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/scratch.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"

enum { BLOCK = 16 * 1024 };

struct scratch_block {
	struct scratch_block *next;
	size_t n, size; /* of bytes: used, in all */
	_Alignas(max_align_t) char bytes[];
};

void scratch_deinit(struct scratch *s)
{
	struct scratch_block *b;

	while ((b = s->blocks) != NULL) {
		s->blocks = b->next;
		free(b);
	}
}

static struct scratch_block *block_new(struct scratch *s, size_t size)
{
	struct scratch_block *b;
	size_t total;

	if (!num_add(size, sizeof(*b), &total))
		abort();
	b = xcalloc(1, total);
	b->size = size;
	b->next = s->blocks;
	s->blocks = b;
	return b;
}

void *scratch_alloc(struct scratch *s, size_t n, size_t size)
{
	struct scratch_block *b = s->blocks;
	size_t total;
	void *p;

	if (!num_mul(n, size, &total) || !num_add(total, _Alignof(max_align_t) - 1, &total))
		abort();
	total &= ~(_Alignof(max_align_t) - 1);
	if (!b || b->size - b->n < total)
		b = block_new(s, total > BLOCK ? total : BLOCK);
	p = b->bytes + b->n;
	b->n += total;
	return p;
}

char *scratch_str(struct scratch *s, const char *text)
{
	size_t n = strlen(text) + 1;

	return memcpy(scratch_alloc(s, n, 1), text, n);
}

char *scratch_printf(struct scratch *s, const char *fmt, ...)
{
	auto_free char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	return scratch_str(s, text);
}
