/* SPDX-License-Identifier: Apache-2.0 */
/* fd: file descriptors that close at the end of a scope, and whole reads and writes */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Close @fd if it is not -1.  Return: -1, to assign back. */
int fd_close(int fd);

static inline void auto_close_fn(int *fd)
{
	*fd = fd_close(*fd);
}
#define auto_close __attribute__((cleanup(auto_close_fn)))

static inline int steal_fd(int *fd)
{
	int v = *fd;

	*fd = -1;
	return v;
}

/* Write all @n bytes, over short writes and EINTR.  Return: 0 or a negative errno. */
int fd_write_all(int fd, const void *p, size_t n);

/* Read until @n bytes or the end.  Return: how many, or a negative errno. */
ssize_t fd_read_full(int fd, void *p, size_t n);

/* Return: 0 or a negative errno. */
int fd_set_nonblocking(int fd, bool on);
