/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk_guard: a full disk refuses new work and keeps the old
 *
 * What is new (create, start, pull) is refused before it begins, by limits_check_space() and
 * disk_guard_check_start().  What ends or records something (stop, remove, an exit) may use the ballast; where even
 * that is spent it goes on, and what could not be written is written when there is room again.  Then
 * VMs that QEMU held because their disk could not grow go on, too.
 *
 * Owns     a timer, the ballast.
 * Thread   the loop's; disk_guard_save() and disk_guard_mark_removing() any.
 */
#pragma once

struct config;
struct daemon;
struct disk_guard;
struct err;
struct vm_state;

enum {
	DISK_GUARD_MS = 2000,		     /* between two looks */
	DISK_GUARD_START = 16 * 1024 * 1024, /* bytes that a start must find: share, logs, state */
	DISK_GUARD_FULL = 2 * 1024 * 1024,   /* free bytes below which the disk counts as full */
	DISK_GUARD_TEXT = 384,
};

/* d->api is not there yet; stopped before the loop ends, with no operation under way. */
void disk_guard_start(struct disk_guard **ret, struct daemon *d);
void disk_guard_stop(struct disk_guard *g);

/* What is wrong with the disk, for people; "" if nothing is.  Borrowed until the next look. */
const char *disk_guard_text(const struct disk_guard *g);

/* May a VM that is there be started?  Return: 0; -ENOSPC. */
int disk_guard_check_start(const struct config *c, struct err *e);

/*
 * Save the state of a VM that ends: with the help of the ballast, or else later.  Return: 0, also if it is
 * to be written later; negative if it failed for other reasons than room.
 */
int disk_guard_save(struct disk_guard *g, int dirfd, const struct vm_state *s, struct err *e);

/* vmdir_mark_removing(), with the help of the ballast. */
int disk_guard_mark_removing(struct disk_guard *g, int dirfd, struct err *e);
