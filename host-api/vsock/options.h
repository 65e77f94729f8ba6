/* SPDX-License-Identifier: Apache-2.0 */
/* options: the command line of bailey-vsock */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;

enum { OPTIONS_CID_FIRST = 3 };

#define OPTIONS_CONSOLE_LEAST ((uint64_t)64 * 1024)
#define OPTIONS_CONSOLE_MOST  ((uint64_t)1 << 40)

struct options {
	uint64_t cid;
	const char *vhost_user; /* all borrowed from argv */
	const char *uds;
	const char *pid_file;  /* NULL: none */
	const char *user;      /* NULL: stay who we are */
	const char *qemu_user; /* NULL: QEMU runs as we do */
	const char *console;   /* NULL: none */
	uint64_t console_max;  /* bytes */
	int log_fd;	       /* -1: standard error stays where it is */
	bool verbose, help, version;
};

extern const char options_usage[];

/* Return: 0 (with --help or --version nothing else is checked), or ERR_INPUT. */
int options_parse(int argc, char **argv, struct options *ret, struct err *e);
