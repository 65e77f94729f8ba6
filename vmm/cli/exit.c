/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/exit.h"

#include "base/err.h"

enum cli_exit cli_exit_of(int code)
{
	switch (code) {
	case 0:
		return CLI_OK;
	case ERR_INPUT:
		return CLI_USAGE;
	case ERR_NOT_FOUND:
		return CLI_NOT_FOUND;
	case ERR_UNREACHABLE:
		return CLI_UNREACHABLE;
	case ERR_BOOT:
		return CLI_BOOT;
	case ERR_LACKS:
		return CLI_LACKS;
	case ERR_UNPROVEN:
		return CLI_UNPROVEN;
	default:
		return CLI_FAILED;
	}
}
