/* SPDX-License-Identifier: Apache-2.0 */
/* exit: what a script is told; bailey(1) documents each number */
#pragma once

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1, /* the daemon, the host or the guest could not do it */
	CLI_USAGE = 2,	/* the command line or a file given is wrong: trying again will not help */
	CLI_NOT_FOUND = 3,   /* no such VM or image */
	CLI_UNREACHABLE = 4, /* baileyd does not answer */
	CLI_BOOT = 5,	  /* the VM was made, but did not come up in time or said why it cannot */
	CLI_LACKS = 6,	  /* check: the host lacks what VMs need */
	CLI_UNPROVEN = 7, /* verify: a check failed */
};

/* Codes of our own, beside those of base/err.h. */
enum {
	ERR_UNREACHABLE = -2900,
	ERR_REFUSED = -2901, /* the daemon said no; the text is its message */
	ERR_BOOT = -2902,
	ERR_LACKS = -2903,
	ERR_UNPROVEN = -2904,
};

/* The exit status that tells of a negative code; CLI_OK for 0. */
enum cli_exit cli_exit_of(int code);
