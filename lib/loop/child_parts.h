/* SPDX-License-Identifier: Apache-2.0 */
/* child_parts: what the ways of running a program have in common; for child*.c */
#pragma once

#include <stddef.h>

#include "base/buf.h"

struct err;

enum { CHILD_EXEC_FAILED = 127 };

/* Between fork and exec. */
void child_reset_signals(void);
/* Become the program, or write the errno to @tell_fd and end.  @env may be NULL. */
void child_exec_or_tell(const char *const *argv, const char *const *env, int tell_fd)
	__attribute__((noreturn));

/* In the parent: wait for exec.  Return: 0 or the child's errno, negative. */
int child_told(int fd);
int child_cannot_run(struct err *e, const char *program, int code);

/* The last line that says something, made safe to show.  Return: @dst. */
const char *child_last_line(const struct buf *b, char *dst, size_t size);
