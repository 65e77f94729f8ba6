/* SPDX-License-Identifier: Apache-2.0 */
/* pid_file: the process id in a file that stays locked while the process lives */
#pragma once

struct err;

/**
 * pid_file_open() - make the file ours
 *
 * Who wants to know whether we live tries flock(LOCK_EX | LOCK_NB) on it: the
 * kernel lets go of the lock when we die, however we die.
 *
 * Return: a descriptor to keep open for life; -EBUSY when another process has it.
 */
int pid_file_open(const char *path, struct err *e);
