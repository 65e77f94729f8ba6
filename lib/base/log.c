/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/fd.h"

static _Atomic int shown = LOG_LEVEL_INFO;
static bool plain;

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&shown, (int)level, memory_order_relaxed);
}

void log_init(enum log_level level)
{
	log_set_level(level);
	plain = isatty(STDERR_FILENO) == 1;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char line[1024];
	int used = 0, n, i;
	va_list ap;

	if ((int)level > atomic_load_explicit(&shown, memory_order_relaxed))
		return;
	if (!plain)
		used = snprintf(line, sizeof(line), "<%u>", (unsigned int)level);
	va_start(ap, fmt);
	n = vsnprintf(line + used, sizeof(line) - (size_t)used - 1, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if (n > (int)sizeof(line) - used - 2)
		n = (int)sizeof(line) - used - 2;
	for (i = used; i < used + n; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	}
	line[used + n] = '\n';
	/* one write, so lines of several threads do not mix; nobody to tell if it fails */
	(void)fd_write_all(STDERR_FILENO, line, (size_t)used + (size_t)n + 1);
}
