/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_unpack: the plain files of a tar archive into a folder
 *
 * Trusts   nothing in the archive: wire/tar.h says what is refused.  Each file is made anew, mode 0644, by a name
 *	    that is one component, in a folder that is the caller's alone.
 * Limits   bytes and files in all, over several archives with one struct.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

enum { IMAGE_UNPACK_FILES_MAX = 128 };

struct image_unpack {
	int dirfd; /* borrowed */
	uint64_t bytes_left;
	size_t n_files;
	/* Called now and then with the bytes that were written since; negative stops.  May be NULL. */
	int (*progress)(void *arg, uint64_t bytes, struct err *e);
	void *arg;
};

/*
 * All of the archive @fd.  A later archive may replace the files of an earlier one.  Files are synced.
 * Return: 0; ERR_PROTO, ERR_INPUT, ERR_LIMIT; an errno.
 */
int image_unpack(struct image_unpack *u, int fd, struct err *e);
