/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whenever libuv makes its pipe, in this process before main() and then in each child, the low numbers are taken.
 * Fork handlers run in the order in which they were registered: fill(), libuv's, release().  In a child only the
 * thread that forked exists, so plain statics do.
 */
#include "domain/fork_guard.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <uv.h>

enum { GUARDED = 64 }; /* more fds than libvirt's child opens */

static bool is_filler[GUARDED];

static void fill(void)
{
	int fd;

	while ((fd = open("/", O_PATH | O_CLOEXEC)) >= 0 && fd < GUARDED)
		is_filler[fd] = true;
	if (fd >= 0)
		(void)close(fd);
}

static void release(void)
{
	int fd;

	for (fd = 0; fd < GUARDED; fd++) {
		if (is_filler[fd])
			(void)close(fd);
		is_filler[fd] = false;
	}
}

/* The first loop makes libuv's pipe, which stays. */
static int make_pipe(void)
{
	uv_loop_t loop;
	int rc = uv_loop_init(&loop);

	return rc == 0 ? uv_loop_close(&loop) : rc;
}

__attribute__((constructor)) static void guard(void)
{
	if (pthread_atfork(NULL, NULL, fill) != 0)
		abort();
	fill();
	if (make_pipe() != 0)
		abort();
	release();
	if (pthread_atfork(NULL, NULL, release) != 0)
		abort();
}

void fork_guard_enable(void)
{
}
