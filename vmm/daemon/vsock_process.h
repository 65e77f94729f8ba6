/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vsock_process: the process that carries a VM's vsock where the kernel does not
 *
 * It outlives us.  It is found again by its pid file, which is locked (flock) for as long as it lives:
 * bailey-vsock locks it itself, another program inherits the locked descriptor without knowing.
 *
 * Owns     the folder <run>/<short id>/ and the sockets in it.
 * Thread   any; each call blocks, for at most its deadline.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

enum {
	VSOCK_PROCESS_PATH_MAX = 108, /* sun_path with its NUL */
	VSOCK_PROCESS_UP_MS = 30 * 1000,
	VSOCK_PROCESS_DOWN_MS = 5 * 1000, /* for ending by itself, then again for SIGTERM */
};

struct vsock_paths {
	char dir[VSOCK_PROCESS_PATH_MAX];
	char vhost[VSOCK_PROCESS_PATH_MAX];    /* QEMU connects here */
	char uds[VSOCK_PROCESS_PATH_MAX];      /* host to guest; guest to host port N is <uds>_N */
	char host_api[VSOCK_PROCESS_PATH_MAX]; /* <uds>_10000 */
	char pid_file[VSOCK_PROCESS_PATH_MAX];
};

/* Return: 0, or ERR_INPUT if a path would be too long for a socket. */
int vsock_paths(const char *run, const char *short_id, struct vsock_paths *ret, struct err *e);

struct vsock_process {
	const char *program;
	bool is_bailey; /* takes bailey-vsock's options, else those of vhost-device-vsock */
	uint32_t cid;
	gid_t reader; /* group of QEMU's user, which must reach the vhost socket; -1: not needed */
	int log_fd;   /* borrowed */
	const char *
		console; /* what QEMU appends the guest's console to; NULL: not told.  bailey-vsock only */
	uint64_t console_max; /* bytes of it that it may come to where we do not move it on */
};

/* Make the folder of the sockets; with @reader as struct vsock_process has it. */
int vsock_process_make_dir(const struct vsock_paths *p, gid_t reader, struct err *e);

/* Start the process and wait until its sockets are there.  One left over is ended first. */
int vsock_process_start(const struct vsock_paths *p, const struct vsock_process *o, struct err *e);

/*
 * A descriptor of the process (pidfd), which the caller closes; it never is another's that has its number.
 * Return: it, or ERR_NOT_FOUND if the process is known to have ended; ERR_BAD_STATE if nothing is known of it.
 */
int vsock_process_open(const struct vsock_paths *p, struct err *e);

bool vsock_process_is_alive(const struct vsock_paths *p);

/* Give it time to end by itself, then end it; then remove its folder.  Nothing there is success. */
int vsock_process_stop(const struct vsock_paths *p, struct err *e);

/* The same at once, where no QEMU runs that it would end with. */
int vsock_process_drop(const struct vsock_paths *p, struct err *e);
