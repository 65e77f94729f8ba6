/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk_content: what a disk holds, as far as one must know to leave it alone, and our own marks on it
 *
 * A mark is a block that says that what is on the disk may be thrown away.  A host could write one: it could as well
 * write zeros, so nothing is lost that it could not have taken anyway.
 *
 * Borrows  the descriptor.
 * Wire     a mark is DISK_MARK_SIZE bytes: a text, then zeros.  On an encrypted disk it is right in front of the data
 *	    (LUKS2_DATA_OFFSET), behind all that cryptsetup writes; on a plain one at the very end, behind the file system.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	DISK_BLANK_SPAN = 1024 * 1024, /* at both ends of a blank disk, zeros */
	DISK_MARK_SIZE = 4096,
	DISK_SIZE_MIN = 64 * 1024 * 1024,
	DISK_EXT4_SPAN = 2048, /* bytes that disk_content_is_ext4() looks at */
};

enum disk_content {
	DISK_BLANK,	 /* zeros at both ends */
	DISK_ZERO_FRONT, /* zeros at the front only */
	DISK_LUKS,	 /* of any version */
	DISK_EXT4,	 /* or ext2, ext3 */
	DISK_OTHER,	 /* a partition table, another file system, anything */
	DISK_CONTENT_COUNT,
};

enum disk_mark {
	DISK_MARK_NONE,
	DISK_MARK_UNFINISHED, /* a format began here and did not end */
	DISK_MARK_FLEETING,   /* encrypted with a key that nobody has any more */
	DISK_MARK_COUNT,
};

/* Of the bytes at its front and its end. */
enum disk_content disk_content_of(const uint8_t *front, size_t n_front, const uint8_t *end,
				  size_t n_end);

/* Is there an ext2, ext3 or ext4 superblock in the first DISK_EXT4_SPAN bytes? */
bool disk_content_is_ext4(const uint8_t p[static DISK_EXT4_SPAN]);

/* "an encrypted volume"; static. */
const char *disk_content_name(enum disk_content c);

enum disk_mark disk_mark_of(const uint8_t p[static DISK_MARK_SIZE]);

struct disk_state {
	uint64_t size; /* bytes */
	enum disk_content content;
	enum disk_mark mark;	 /* in front of encrypted data */
	enum disk_mark end_mark; /* behind a plain file system */
};

/* Look at the disk @fd.  Return: 0; ERR_INPUT below DISK_SIZE_MIN; an errno. */
int disk_content_read(int fd, struct disk_state *ret, struct err *e);

/* Where the marks of a disk of @size bytes are. */
uint64_t disk_mark_front(void);
uint64_t disk_mark_end(uint64_t size);

/* Write @mark (zeros for DISK_MARK_NONE) at @at, on the disk before this returns.  Return: 0; an errno. */
int disk_mark_write(int fd, uint64_t at, enum disk_mark mark, struct err *e);
