/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/xml_out.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

void xml_putf(struct xml_out *o, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n;

	va_start(ap, fmt);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it does not see va_start() */
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	assert(n >= 0 && (size_t)n < sizeof(text)); /* our own literals and numbers */
	if (o->rc == 0)
		o->rc = buf_add(o->b, text, (size_t)n);
}

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '\'':
		return "&apos;";
	case '"':
		return "&quot;";
	default:
		return NULL;
	}
}

static int escaped(struct buf *b, const char *s)
{
	const char *as;
	int rc = 0;

	for (; *s && rc == 0; s++) {
		as = entity(*s);
		rc = as ? buf_add_str(b, as) : buf_add(b, s, 1);
	}
	return rc;
}

void xml_put_values(struct xml_out *o, const char *template, const char *const *values)
{
	const char *at;

	for (; *template && o->rc == 0; template = at) {
		at = strchrnul(template, '@');
		o->rc = buf_add(o->b, template, (size_t)(at - template));
		if (*at == '@') {
			assert(*values);
			if (o->rc == 0)
				o->rc = escaped(o->b, *values);
			values++;
			at++;
		}
	}
	assert(o->rc || !*values); /* as many values as places */
}
