/* SPDX-License-Identifier: Apache-2.0 */
/* hex_option: bytes that an option gives as hex, perhaps with 0x before them */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "cli/args.h"

struct cli;
struct err;

/* @min to @max bytes of @o into @dst; *@ret_n is 0 if it was not given.  Return: 0, ERR_INPUT. */
int hex_option(const struct cli *c, enum opt o, uint8_t *dst, size_t min, size_t max, size_t *ret_n,
	       struct err *e);
