/* SPDX-License-Identifier: Apache-2.0 */
/* scratch: memory for building one reply, freed all at once */
#pragma once

#include <stddef.h>
#include <string.h>

struct scratch {
	struct scratch_block *blocks;
};

#define SCRATCH_NULL ((struct scratch){ .blocks = NULL })

void scratch_deinit(struct scratch *s);
#define auto_scratch __attribute__((cleanup(scratch_deinit)))

/* Zeroed; never NULL. */
void *scratch_alloc(struct scratch *s, size_t n, size_t size);
char *scratch_str(struct scratch *s, const char *text);
char *scratch_printf(struct scratch *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A list of @n pointers, all NULL. */
#define scratch_list(s, n) scratch_alloc(s, n, sizeof(void *))

/* Protobuf-c's fields are not const; what is put there for a reply is only read. */
static inline char *scratch_lend(const char *text)
{
	char *p;

	memcpy(&p, &text, sizeof(p));
	return p;
}

#define scratch_new(s, type) ((type *)scratch_alloc(s, 1, sizeof(type)))
