/* SPDX-License-Identifier: Apache-2.0 */
#include "base/service_main.h"

#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/version.h"

int service_main_misused(const struct service_program *p)
{
	(void)fputs(p->help, stderr);
	return SERVICE_EXIT_USAGE;
}

static int show_version(const struct service_program *p)
{
	return printf("%s %s\n", p->name, BAILEY_VERSION) > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int show_help(const struct service_program *p)
{
	return fputs(p->help, stdout) >= 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

bool service_main_read(const struct service_program *p, int argc, char **argv,
		       struct service_command *ret)
{
	const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check-config", no_argument, NULL, 'k' },
		{ "print-config", no_argument, NULL, 'p' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ p->other, no_argument, NULL, 'o' }, /* without a name it ends the table */
		{ NULL, 0, NULL, 0 },
	};
	int c;

	*ret = (struct service_command){ .action = SERVICE_SERVE };
	while ((c = getopt_long(argc, argv, "c:Vh", options, NULL)) != -1) {
		if (c == 'c') {
			ret->file = optarg;
		} else if (c == 'k') {
			ret->action = SERVICE_CHECK;
		} else if (c == 'p') {
			ret->action = SERVICE_PRINT;
		} else if (c == 'o') {
			ret->action = SERVICE_OTHER;
		} else {
			ret->exit_code = c == 'V'   ? show_version(p)
					 : c == 'h' ? show_help(p)
						    : service_main_misused(p);
			return false;
		}
	}
	ret->n_words = argc - optind;
	ret->words = argv + optind;
	return true;
}
