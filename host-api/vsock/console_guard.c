/* SPDX-License-Identifier: Apache-2.0 */
#include "vsockdev/console_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"

enum { BLOCK = 512 }; /* of st_blocks */

int console_guard_open(struct console_guard *g, const char *path, uint64_t max, struct err *e)
{
	auto_close int fd =
		open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return err_errno(e, errno, "cannot open console '%s'", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(e, ERR_INPUT, "console '%s' is not a plain file", path);
	*g = (struct console_guard){ .fd = steal_fd(&fd), .max = max };
	return 0;
}

void console_guard_close(struct console_guard *g)
{
	g->fd = fd_close(g->fd);
}

uint64_t console_guard_turn(struct console_guard *g, uint64_t now_ms)
{
	struct stat st;
	uint64_t had, keep = g->max / CONSOLE_GUARD_KEPT;

	if (g->fd < 0 || now_ms < g->next_ms)
		return 0;
	g->next_ms = now_ms + CONSOLE_GUARD_MS;
	if (fstat(g->fd, &st) < 0 || (uint64_t)st.st_blocks * BLOCK <= g->max ||
	    (uint64_t)st.st_size <= keep)
		return 0;
	had = (uint64_t)st.st_blocks * BLOCK;
	/* Where a file system has no holes nothing can be done: to cut it would break who reads it. */
	if (fallocate(g->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		      st.st_size - (off_t)keep) < 0) {
		console_guard_close(g);
		return 0;
	}
	if (fstat(g->fd, &st) < 0 || (uint64_t)st.st_blocks * BLOCK >= had)
		return 0;
	return had - (uint64_t)st.st_blocks * BLOCK;
}
