/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem: allocation that cannot fail, and release at the end of a scope
 *
 * xnew() and friends are for objects whose size we choose; anything sized by
 * input is allocated with malloc() and checked.
 */
#pragma once

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n, size);

	if (!p)
		abort();
	return p;
}

static inline char *xstrdup(const char *s)
{
	char *p = strdup(s);

	if (!p)
		abort();
	return p;
}

/* For interfaces that take non-const by history and do not write: say at each use why that is so. */
static inline void *mem_unconst(const void *p)
{
	union {
		const void *in;
		void *out;
	} u = { .in = p };

	return u.out;
}

static inline void *xmemdup(const void *s, size_t n)
{
	void *p = xcalloc(1, n ? n : 1);

	if (n)
		memcpy(p, s, n);
	return p;
}

__attribute__((format(printf, 1, 2))) static inline char *xasprintf(const char *fmt, ...)
{
	char *p = NULL;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&p, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	return p;
}

#define xnew(type) ((type *)xcalloc(1, sizeof(type)))

/* Define auto_<name>_fn(), for __attribute__((cleanup)), from a function that takes the value. */
#define DEFINE_AUTO(type, name, fn)                                                                \
	static inline void auto_##name##_fn(type *p)                                               \
	{                                                                                          \
		if (*p)                                                                            \
			fn(*p);                                                                    \
	}                                                                                          \
	struct auto_##name##_semicolon

static inline void auto_free_fn(void *p)
{
	free(*(void **)p);
}

static inline void auto_fclose_fn(FILE **p)
{
	if (*p)
		(void)fclose(*p);
}

#define auto_free   __attribute__((cleanup(auto_free_fn)))
#define auto_fclose __attribute__((cleanup(auto_fclose_fn)))

/* Take the value out of an auto variable: what is left is NULL. */
static inline void *steal_voidp(void *p)
{
	void **pp = p;
	void *v = *pp;

	*pp = NULL;
	return v;
}
#define steal_ptr(pp) ((__typeof__(*(pp)))steal_voidp(pp))
