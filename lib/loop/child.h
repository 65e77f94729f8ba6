/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child: other programs, run with an argv, an explicit environment and given fds
 *
 * Never a shell.  Output is captured with a cap.  A deadline kills the process group.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct err;

struct child_options {
	const char *const *argv; /* NULL-terminated; argv[0] is looked up in PATH */
	const char *const *env;	 /* NULL-terminated "K=V"; NULL: only PATH and LC_ALL=C.UTF-8 */
	const char *cwd;	 /* NULL: "/" */
	const void *input;	 /* stdin; NULL: /dev/null */
	size_t n_input;
	unsigned int timeout_ms; /* 0: 60000 */
	size_t output_max;	 /* stdout kept, the rest dropped; 0: 64 KiB; stderr likewise */
	uint64_t file_max;	 /* bytes of a file that it may write; 0: as many as we may */
	bool is_bound;		 /* it gains no rights by exec */
	/* Called some five times a second while it runs; negative, with a text in @e, kills it and is returned. */
	int (*watch)(void *arg, struct err *e);
	void *watch_arg;
};

struct child_result {
	int exit_code; /* -1 if ended by a signal */
	int signal;
	struct buf out, err; /* the caller deinits */
};

/* Run to the end, blocking: for worker threads and tools.  Not found: ERR_MISSING. */
int child_run(const struct child_options *o, struct child_result *ret, struct err *e);

/* child_run() that fails unless the exit code is 0, with the last line of stderr in the message. */
int child_must(const struct child_options *o, struct buf *ret_out, struct err *e);

/*
 * Start a process that outlives us: own session, parent is init, stdin /dev/null, stdout and stderr to
 * @log_fd (borrowed), fds passed as given numbers (src[i] becomes dst[i]); all others closed.
 * Return: its pid, or negative when it could not be executed.
 */
pid_t child_detach(const char *const *argv, int log_fd, const int *src, const int *dst,
		   size_t n_fds, struct err *e);
