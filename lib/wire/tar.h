/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tar: the headers of a tar archive that holds plain files and nothing clever
 *
 * Pure: the caller reads the blocks.  An entry is a header of TAR_BLOCK bytes, then its data, filled up to whole
 * blocks; two blocks of zeros end the archive.
 *
 * Trusts   nothing: sums are checked, numbers must fit, a name must be one component.
 * Wire     POSIX.1-2001 ustar and pax (keys path and size), and GNU's base-256 sizes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	TAR_BLOCK = 512,
	TAR_NAME_MAX = 255,
	TAR_PAX_MAX = 64 * 1024, /* bytes of one extended header */
};

enum tar_kind {
	TAR_END,    /* a block of zeros */
	TAR_FILE,   /* a plain file right in the archive's root; name and size are its own */
	TAR_FOLDER, /* no data */
	TAR_PAX,    /* its data describes the next entry: tar_pax() */
	TAR_SKIP,   /* its data says nothing about any one entry */
};

struct tar_entry {
	enum tar_kind kind;
	uint64_t size; /* of its data */
	char name[TAR_NAME_MAX + 1];
};

/* What a pax header says instead of the next header. */
struct tar_more {
	char path[TAR_NAME_MAX + 1]; /* "": nothing */
	uint64_t size;
	int has_size;
};

/**
 * tar_header() - read one block
 * @more: what a pax header before it said; NULL: there was none
 *
 * Refused, by name: links, devices, fifos, sparse files; files in folders; absolute names, "..", names that begin
 * with a dot; anything that is no header.
 *
 * Return: 0; ERR_PROTO; ERR_INPUT for an entry that we do not take.
 */
int tar_header(const uint8_t block[static TAR_BLOCK], const struct tar_more *more,
	       struct tar_entry *ret, struct err *e);

/* Read the @n bytes of a pax header.  Return: 0; ERR_PROTO. */
int tar_pax(const void *p, size_t n, struct tar_more *ret, struct err *e);
