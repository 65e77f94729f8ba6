/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strays: QEMU processes of our VMs that libvirt does not know
 *
 * libvirt's embedded driver dies with us.  Killed after it ran QEMU and before it wrote that down, it leaves
 * a QEMU, stopped before its first instruction, that nobody would ever end.
 *
 * Trusts   nothing of other processes: one that has the command line of such a QEMU is taken for one.
 * Thread   any; reads /proc.
 */
#pragma once

#include <stdbool.h>

/* Kill each process that runs with "-uuid ID" for which @is_stray says so. */
void strays_end(bool (*is_stray)(const char *id, void *arg), void *arg);
