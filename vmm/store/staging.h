/* SPDX-License-Identifier: Apache-2.0 */
/*
 * staging: a change of a VM's files, made whole by one rename or not at all
 *
 * Owns     these, below the VM's folder:
 *	      .next-new/      a change that is being written; a crash leaves it, and it is removed
 *	      .next/	      a change that is decided: whatever comes, it will be made whole
 *	      .next/prev/     the files as they are now, soon to be .prev
 *	      .prev/	      the files as they were before the last change
 *	      .next-refused/  a .next that was not fit to be made whole
 * Invariant What staging_finish() leaves is the whole new VM; without .next the folder is the whole old one.
 *	    .prev has the form of .next: renamed to it, the next staging_finish() goes back.
 * Wire     vm-manifest.json, app-compose.json, .encrypted-env, .user-config, side by side.  One that is
 *	    absent stays as it is; one of the last two that is empty means that there is none.
 * Thread   any; each call blocks on the disk.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;
struct manifest;

enum staged {
	STAGED_COMPOSE,
	STAGED_ENCRYPTED_ENV,
	STAGED_USER_CONFIG,
	STAGED_COUNT,
};

/* What shall be in one file.  Borrowed. */
struct staged_file {
	bool is_given; /* false: it stays as it is */
	const void *p;
	size_t n; /* 0: the file goes, if it is there */
};

/* Would @f change anything of what is there? */
bool staging_differs(int dirfd, enum staged which, const struct staged_file *f);

/* Write all of the change aside, synced.  On failure nothing is left of it. */
int staging_write(int dirfd, const struct manifest *m,
		  const struct staged_file files[static STAGED_COUNT], struct err *e);

/* The one step that decides: from now on a crash is followed by the new VM. */
int staging_commit(int dirfd, struct err *e);

/* Take back what was written, or decided and not begun to be made whole. */
int staging_undo(int dirfd, struct err *e);

/**
 * staging_finish() - make whole what was decided, remove what was not
 *
 * Return: 0 there was nothing; 1 it is made whole; ERR_CORRUPT for a .next that is not of this VM or does not
 * load (it is set aside as .next-refused, and the VM is what it was); an errno: call it again.
 */
int staging_finish(int dirfd, struct err *e);

/* Is something decided and not yet whole? */
bool staging_is_due(int dirfd);
