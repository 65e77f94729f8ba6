/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xml_out: XML text into a buffer, every foreign string escaped
 *
 * The first failure sticks in rc; what follows does nothing.  So a writer writes everything and checks once.
 */
#pragma once

#include <stddef.h>

struct buf;

struct xml_out {
	struct buf *b; /* borrowed */
	int rc;
};

/* Markup and numbers of our own; never a string from elsewhere. */
void xml_putf(struct xml_out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * @template with each '@' replaced by the next of @values (NULL-terminated), escaped; so values are fit for text
 * and for attributes in either quote.
 */
void xml_put_values(struct xml_out *o, const char *template, const char *const *values);
#define xml_say(o, template, ...)                                                                  \
	xml_put_values(o, template, (const char *const[]){ __VA_ARGS__, NULL })
