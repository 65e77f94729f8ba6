/* SPDX-License-Identifier: Apache-2.0 */
/* own_file: files that nobody but their owner may read: tokens, keys, passwords */
#pragma once

#include <stddef.h>

struct buf;
struct err;

/* A whole regular file that belongs to us or to root, without rights of others.  @ret is for the caller to wipe. */
int own_file_read(const char *path, size_t max, struct buf *ret, struct err *e);
