/* SPDX-License-Identifier: Apache-2.0 */
/*
 * strays: QEMU processes of ours that libvirt does not know
 *
 * libvirt's embedded driver dies with us.  Killed after it ran QEMU and before it wrote that down, it leaves
 * a QEMU, stopped before its first instruction, that nobody would ever end.  So it is with the QEMU that it
 * asks for what QEMU can do.
 *
 * Trusts   nothing of other processes: one that has the command line of such a QEMU is taken for one.
 * Thread   any; reads /proc.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * Kill each process that has @option with a value ("-uuid", ID) of which @is_stray says so, and @mark somewhere in its
 * command line: what is in our state folder.  Another daemon's QEMU may have the same id: a folder that was copied.
 */
void strays_end(const char *option, const char *mark,
		bool (*is_stray)(const char *value, void *arg), void *arg);

/* Is @pid a process that has @option with @value right behind it?  (A number alone may be another's by now.) */
bool strays_has(pid_t pid, const char *option, const char *value);

/* Is there a process that has @option with @value right behind it? */
bool strays_is_there(const char *option, const char *value);
