/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file: whole files, read with a limit and replaced without a moment of damage
 *
 * Paths are relative to a directory fd (or AT_FDCWD).  A read never follows a
 * symlink in the last component and takes regular files only.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

struct err;

/**
 * file_read() - the bytes of a regular file
 * @max: refuse a file that holds more (counted while reading, not only by stat)
 * @ret: its bytes, 0 after the last; the caller deinits.  Its max is set to @max
 *
 * Return: 0, -ENOENT, -ELOOP (a symlink), -EFBIG, -EINVAL (not a regular file), other errno.
 */
int file_read(int dirfd, const char *path, size_t max, struct buf *ret, struct err *e);

/* The same into a buffer for secret_buf_deinit(), with no copy left on the way. */
int file_read_secret(int dirfd, const char *path, size_t max, struct buf *ret, struct err *e);

/**
 * file_replace() - make @path hold exactly these bytes, now and after a crash
 *
 * Written beside as ".<name>.tmp-<random>" (O_EXCL), fsynced, renamed over, directory
 * fsynced.  A crash leaves the old file, or the new one, and perhaps a temporary file,
 * which file_sweep() removes.
 *
 * Return: 0 or a negative errno.
 */
int file_replace(int dirfd, const char *path, mode_t mode, const void *p, size_t n, struct err *e);

enum { FILE_ASIDE_MAX = 300 };

/*
 * A name of that form for what cannot be written by file_replace(): a disk that another program makes.
 * Return: 0, -ENAMETOOLONG.
 */
int file_aside(const char *name, char ret[static FILE_ASIDE_MAX], struct err *e);

/* Remove what file_replace() and users of file_aside() left in the directory @dirfd when they died. */
int file_sweep(int dirfd, struct err *e);

/* mkdir that is content with a directory that is there.  Return: 0 or a negative errno. */
int file_mkdir(int dirfd, const char *path, mode_t mode, struct err *e);

/* Like file_mkdir() for each missing parent too; @path is absolute or relative to the cwd. */
int file_mkdir_all(const char *path, mode_t mode, struct err *e);

/* fsync the directory @path of @dirfd ("." for itself).  Return: 0 or a negative errno. */
int file_sync_dir(int dirfd, const char *path, struct err *e);
