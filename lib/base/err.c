/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Built aside: an argument may be the text that is replaced. */
int err_set(struct err *e, int code, const char *fmt, ...)
{
	char whole[sizeof(e->text)];
	va_list ap;

	assert(code < 0);
	if (!e)
		return code;

	e->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(whole, sizeof(whole), fmt, ap);
	va_end(ap);
	memcpy(e->text, whole, sizeof(e->text));
	return code;
}

int err_errno(struct err *e, int saved_errno, const char *fmt, ...)
{
	size_t used;
	va_list ap;

	assert(saved_errno > 0);
	if (!e)
		return -saved_errno;

	e->code = -saved_errno;
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	used = strlen(e->text);
	(void)snprintf(e->text + used, sizeof(e->text) - used, ": %s", err_name(-saved_errno));
	return -saved_errno;
}

int err_wrap(struct err *e, int code, const char *fmt, ...)
{
	char doing[sizeof(e->text)];
	char whole[sizeof(e->text)];
	va_list ap;

	assert(code < 0);
	if (!e)
		return code;

	va_start(ap, fmt);
	(void)vsnprintf(doing, sizeof(doing), fmt, ap);
	va_end(ap);
	(void)snprintf(whole, sizeof(whole), "%.192s: %.310s", doing, e->text);
	memcpy(e->text, whole, sizeof(e->text));
	e->code = code;
	return code;
}

const char *err_name(int code)
{
	static const char *const ours[] = {
		"protocol broken",
		"limit exceeded",
		"bad input",
		"not found",
		"conflict",
		"wrong state",
		"missing on this host",
		"crypto failed",
		"hypervisor failed",
		"corrupt",
	};
	unsigned int i = (unsigned int)(ERR_PROTO - code);
	const char *text;

	if (code <= ERR_PROTO && i < sizeof(ours) / sizeof(ours[0]))
		return ours[i];
	text = strerrordesc_np(-code);
	return text ? text : "unknown error";
}
