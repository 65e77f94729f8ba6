/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_files: serial.log and its like in a VM's folder: begun anew at each boot, never without bound
 *
 * Wire     dstack's names: <name>.1 is the last boot, .2 the one before, LOG_FILES_KEPT in all.
 * Thread   any; blocks on the disk.
 */
#pragma once

#include <sys/types.h>

struct err;

enum {
	LOG_FILES_KEPT = 3,
	LOG_FILE_MAX = 4 * 1024 * 1024, /* bytes; over it a running VM's log is rotated too */
};

/*
 * Before a boot: move the logs of the last one away, and make an empty serial.log that QEMU's user (of
 * group @reader; -1: it is us) may append to.
 */
int log_files_begin(int dirfd, gid_t reader, struct err *e);

/*
 * Keep the logs of a running VM below LOG_FILE_MAX: one that is over is copied to .1 and cut in
 * place, as its writer appends to the open file.
 */
int log_files_trim(int dirfd, struct err *e);
