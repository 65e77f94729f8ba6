/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dstack_mr: the command line of dstack's calculator of measurements, for scripts that know it
 *
 * Both of its forms: `-metadata FILE` of the older one in Go, and `measure FILE` of that in Rust.  Options begin with
 * one dash or two, a value stands behind "=" or next.  What is measured is what `bailey measure` measures.
 */
#pragma once

#include <stdbool.h>

/* Is the program called by that name, or with it as the first word?  *@ret_argv: what follows. */
bool dstack_mr_is_meant(const char *program, char *const *argv, char *const **ret_argv);

/* Return: enum cli_exit. */
int dstack_mr_main(char *const *argv);
