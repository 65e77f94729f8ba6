/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk_tools: the programs that a data disk needs, run one after the other
 *
 * Owns     nothing after a call: a program that does not end in time is killed.
 * Trusts   the programs, which are the image's; each gets a constant command line, and a key on its input only.
 * Errors   ERR_MISSING: the image has no such program; -ECANCELED: a stop was asked for; -ETIMEDOUT; ERR_BAD_STATE
 *	    when the program fails (what it said is on the console).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct supervisor;

#define DISK_MAPPED_NAME "dstack_data_disk"
#define DISK_MAPPED_PATH "/dev/mapper/" DISK_MAPPED_NAME

/* A secret for a program's input.  Borrowed. */
struct disk_key {
	const void *p;
	size_t n;
};

/* Make a LUKS2 header for @device in the file @header, which is made. */
int disk_tools_luks_format(struct supervisor *s, const char *device, const char *header,
			   const struct disk_key *key, struct err *e);

/* Map @device by the header in the file @header.  Return: ERR_INPUT when the key is not one of the header's. */
int disk_tools_luks_open(struct supervisor *s, const char *device, const char *header,
			 const struct disk_key *key, struct err *e);

/* Map @device without any header: 64 bytes of key are all there is. */
int disk_tools_plain_open(struct supervisor *s, const char *device, const struct disk_key *key,
			  struct err *e);

void disk_tools_close(struct supervisor *s);

/*
 * Make an ext4 file system on @device, of @n_blocks of 4096 bytes; 0: all of it.
 * @is_fleeting: no boot will see it again, so without a journal and without room to grow
 */
int disk_tools_mkfs(struct supervisor *s, const char *device, uint64_t n_blocks, bool is_fleeting,
		    struct err *e);

/* Check and mend it. */
int disk_tools_fsck(struct supervisor *s, const char *device, struct err *e);
