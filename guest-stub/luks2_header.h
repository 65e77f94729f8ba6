/* SPDX-License-Identifier: Apache-2.0 */
/*
 * luks2_header: a disk's LUKS2 header, copied out once and held to every rule
 *
 * What is checked is the copy, and the copy is what is used: the host cannot change it in between.
 *
 * Limits   LUKS2_DATA_OFFSET bytes; each is read once.
 */
#pragma once

#include <stddef.h>

struct buf;
struct err;

/* Both copies of the header in @n bytes from a disk's beginning: wire/luks2.h, the checksums, data/luks2_json.h, and
 * that a key slot's area is in the bytes.  Return: 0; ERR_PROTO. */
int luks2_header_check(const void *p, size_t n, struct err *e);

/* Read a header with its key slot from the disk @fd (borrowed, seekable) and check it.  @ret: the bytes, for `cryptsetup
 * --header`; the caller deinits.  Return: 0; ERR_PROTO; an errno. */
int luks2_header_copy(int fd, struct buf *ret, struct err *e);
