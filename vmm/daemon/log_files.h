/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_files: serial.log and its like: moved on at each boot and by size, without losing a byte
 *
 * Wire     dstack's names: <name>.1 is the last part, <name>.2 the one before, LOG_KEPT_MAX in all;
 *	    log_index says which bytes each holds.
 * Limits   (LOG_KEPT_MAX + 1) * max bytes of each log, and what is written between two looks.
 * Thread   any; blocks on the disk.  The index's lock keeps two from moving one log.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

struct err;

/*
 * Before a boot: move the logs of the last one away, and make a serial.log that QEMU's user (of
 * group @reader; -1: it is us) may append to.
 */
int log_files_begin(int dirfd, gid_t reader, uint64_t max, struct err *e);

/* Keep the logs of a running VM below @max.  Return: 1 if something was moved, 0, or negative. */
int log_files_trim(int dirfd, uint64_t max, struct err *e);

/* The same for one log, whose writer appends (O_APPEND) and never reopens it. */
int log_file_begin(int dirfd, const char *name, uint64_t max, struct err *e);
int log_file_trim(int dirfd, const char *name, uint64_t max, struct err *e);

/* Delete a log, its older parts and its index. */
void log_file_remove(int dirfd, const char *name);
