/* SPDX-License-Identifier: Apache-2.0 */
/* main-bailey: the operator's command line */
#include "cli/cli.h"

int main(int argc, char **argv)
{
	return cli_main(argv + (argc > 0));
}
