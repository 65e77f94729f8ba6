/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk_luks: a LUKS2 volume whose header is worked with in a private file in memory only
 *
 * A new header is made in that file and written to the disk when all else is done: a disk has a header when it has
 * everything.  One that is there is copied into the file and checked before a program sees it (luks2_header.h).
 *
 * Owns     the file while a call lasts.
 * Borrows  keys, descriptors, the supervisor.
 */
#pragma once

#include <stdint.h>

struct buf;
struct err;
struct supervisor;

enum { DISK_LUKS_KEY_SIZE = 32 };

struct disk_luks {
	struct supervisor *supervisor;
	const char *device;
	int fd; /* of the device */
	const uint8_t
		*key; /* DISK_LUKS_KEY_SIZE bytes; the passphrase is their hex, as in dstack */
};

/* Map the volume at DISK_MAPPED_PATH.  Return: 0; ERR_PROTO when the header breaks a rule, or the key is another's. */
int disk_luks_open(const struct disk_luks *v, struct err *e);

/* Make a header, and map what it says.  @ret: the header, for disk_luks_store(); the caller deinits. */
int disk_luks_make(const struct disk_luks *v, struct buf *ret, struct err *e);

/* Write the header: it is on the disk when this returns.  Return: 0; an errno. */
int disk_luks_store(int fd, const struct buf *header, struct err *e);
