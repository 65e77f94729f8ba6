/* SPDX-License-Identifier: Apache-2.0 */
/*
 * luks2_header: a disk's LUKS2 header, copied out once and held to every rule
 *
 * What is checked is the copy, and the copy is what is used: the host cannot change it in between.
 *
 * Limits   LUKS2_DATA_OFFSET bytes; each is read once.
 */
#pragma once

struct buf;
struct err;

/*
 * Read a header with its key slot from @fd (borrowed, seekable), and hold both its copies to wire/luks2.h, their
 * checksums and data/luks2_json.h.  @ret: the bytes, from the first to the end of the key slot; the caller deinits.
 *
 * Return: 0; ERR_PROTO; an errno.
 */
int luks2_header_copy(int fd, struct buf *ret, struct err *e);
