/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child_talk: a program that is spoken to for a while, then ended
 *
 * Its stdin and stdout are one end of a socket, ours the other.  It dies with the thread that began it.
 *
 * Thread   that of the caller, which may block up to the deadline.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

struct child_talk {
	int fd;	    /* to its stdin, from its stdout; non-blocking */
	int err_fd; /* from its stderr */
	int pid_fd;
	pid_t pid; /* 0: none */
};

#define CHILD_TALK_NULL ((struct child_talk){ .fd = -1, .err_fd = -1, .pid_fd = -1 })

/* @argv as child_options has it; the environment has PATH and LC_ALL only.  Not found: ERR_MISSING. */
int child_talk_begin(const char *const *argv, struct child_talk *ret, struct err *e);

/* Write all of it.  @deadline: of time_mono_ms().  Return: 0, -EPIPE (it is gone), -ETIMEDOUT, another errno. */
int child_talk_write(const struct child_talk *t, const void *p, size_t n, uint64_t deadline);

/* Read what there is, at least a byte.  Return: bytes; 0: it closed its end; -ETIMEDOUT, another errno. */
ssize_t child_talk_read(const struct child_talk *t, void *p, size_t n, uint64_t deadline);

/*
 * Kill it if it lives, and reap it.  Idempotent.
 * @said: the last line of its stderr, made safe to show; may be NULL
 */
void child_talk_end(struct child_talk *t, char *said, size_t size);
