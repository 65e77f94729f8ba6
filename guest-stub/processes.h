/* SPDX-License-Identifier: Apache-2.0 */
/* processes: all of this machine's, except the kernel's, ourselves and some more */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/* Send @signal (0: none) to each.  Return: how many there are. */
int processes_signal(int signal, const pid_t *except, size_t n_except);
