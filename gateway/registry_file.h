/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry_file: registrations, written down before they are answered, and read again after a crash
 *
 * A journal: a line is appended and synced for each change; when it has grown it is replaced by what is left.
 *
 * Owns     the file "instances" of mode 0600 in a folder, and its fd.  Nobody else may write it.
 * Trusts   nothing that it reads: each line is checked as a registration is, and beside the others.
 * Wire     a line is a JSON object: {"id","app","compose_hash","key" (base64),"address","since" (seconds since 1970),
 *	    "ready" (true if it is not there), "restrict","ports": null or [[port, wants a PROXY header], ...]}, or {"override": id,
 *	    "drained": null or the key that it had, "restrict","ports"}, or {"gone": id}.  What follows the last
 *	    end of a line was never acknowledged, and is dropped.
 * Limits   REGISTRY_FILE_MAX bytes, which REGISTRY_MAX instances of the longest lines cannot reach.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct override;
struct registry;
struct registry_instance;

enum {
	REGISTRY_LINE_MAX = 2048,
	REGISTRY_FILE_MAX = 384 * 1024 * 1024,
	REGISTRY_FILE_SLACK = 1024 * 1024,
};

struct registry_file {
	int dirfd, fd;	     /* -1: not open */
	uint64_t size, tidy; /* bytes now; after it was last replaced */
	bool is_torn; /* it may end in a part of a line: nothing is added until it was replaced */
};

#define REGISTRY_FILE_NULL ((struct registry_file){ .dirfd = -1, .fd = -1 })

/*
 * Read what there is into @r, which is empty, and be ready to add.  *@ret_dropped: instances that do not fit the options of @r
 * any more (another range, lower limits); they have to register again.
 * Return: 0; ERR_CORRUPT with file and line; a negative errno.
 */
int registry_file_open(struct registry_file *f, const char *folder, struct registry *r,
		       size_t *ret_dropped, struct err *e);
void registry_file_close(struct registry_file *f);

/* Write down a change; it lasts when this returns 0.  A negative errno: it was not made. */
int registry_file_put(struct registry_file *f, const struct registry_instance *in, struct err *e);
int registry_file_override(struct registry_file *f, const struct override *o, struct err *e);
int registry_file_gone(struct registry_file *f, const char *id, struct err *e);

/* Replace the file by what @r holds, if it has grown or was torn.  Return: 0 or a negative errno. */
int registry_file_tidy(struct registry_file *f, struct registry *r, struct err *e);

/* Pure: append the line of an instance; read lines into @r. */
int registry_line_write(const struct registry_instance *in, struct buf *ret);
int registry_override_write(const struct override *o, struct buf *ret);
int registry_text_read(const char *p, size_t n, struct registry *r, size_t *ret_dropped,
		       struct err *e);
