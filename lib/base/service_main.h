/* SPDX-License-Identifier: Apache-2.0 */
/*
 * service_main: the command line that our services have in common
 *
 *	NAME [--config FILE] [--check-config | --print-config | --OTHER] [WORD...]
 *	NAME --version | --help
 *
 * Borrows  argv.
 */
#pragma once

#include <stdbool.h>

enum { SERVICE_EXIT_USAGE = 2 };

enum service_action {
	SERVICE_SERVE, /* none of the options below */
	SERVICE_CHECK,
	SERVICE_PRINT,
	SERVICE_OTHER,
};

struct service_program {
	const char *name; /* "baileyd" */
	const char *help; /* all that --help shows */
	const char
		*other; /* one more option, without its dashes, that takes no value; NULL: none */
};

struct service_command {
	enum service_action action;
	const char *file; /* of --config; NULL: not said */
	int n_words;	  /* what is left after the options */
	char **words;
	int exit_code; /* if there is nothing to do: of this process */
};

/*
 * Return: true and *@ret; false when all is said already (--version, --help, an option that is none) and the process
 * is to end with @ret's exit_code.
 */
bool service_main_read(const struct service_program *p, int argc, char **argv,
		       struct service_command *ret);

/* The help where it is not asked for.  Return: SERVICE_EXIT_USAGE. */
int service_main_misused(const struct service_program *p);
