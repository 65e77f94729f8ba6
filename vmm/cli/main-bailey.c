/* SPDX-License-Identifier: Apache-2.0 */
/* main-bailey: the operator's command line */
#include "cli/cli.h"
#include "cli/dstack_mr.h"

int main(int argc, char **argv)
{
	char *const *rest = argv + (argc > 0), *const * behind;

	if (dstack_mr_is_meant(argv[0], rest, &behind))
		return dstack_mr_main(behind);
	return cli_main(rest);
}
