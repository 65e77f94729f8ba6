/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/scratch.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/num.h"

struct scratch_block {
	struct scratch_block *next;
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

void *scratch_alloc(struct scratch *s, size_t n, size_t size)
{
	struct scratch_block *b;
	size_t total;

	if (!num_mul(n, size, &total) || !num_add(total, sizeof(*b), &total))
		abort();
	b = xcalloc(1, total);
	b->next = s->blocks;
	s->blocks = b;
	return b->bytes;
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
