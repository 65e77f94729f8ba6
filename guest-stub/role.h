/* SPDX-License-Identifier: Apache-2.0 */
/*
 * role: what this process is to be, out of its command line
 *
 * One program plays five parts in a guest, so that the image holds one file.
 */
#pragma once

#include <sys/types.h>

enum role {
	ROLE_INIT,     /* PID 1: mounts, measures, boots, reaps */
	ROLE_AGENT,    /* HTTP for the host and for everybody */
	ROLE_NOTIFIER, /* sends notices to the host, in order */
	ROLE_KEYS,     /* gets the app's keys and ends */
	ROLE_GATEWAY,  /* registers the app with a gateway */
	ROLE_VERSION,
	ROLE_HELP,
	ROLE_UNKNOWN,
	ROLE_COUNT,
};

/* @pid: our process id.  Only PID 1 without arguments of ours is ROLE_INIT. */
enum role role_of(pid_t pid, int argc, char *const *argv);

/* What --help prints. */
extern const char role_help[];
