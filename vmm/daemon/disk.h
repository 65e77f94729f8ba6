/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk: a VM's data disk, hda.img: made when there is none, grown to what the manifest says, never shrunk
 *
 * Trusts   nothing of the disk but its header, which no guest can write.
 * Thread   any; blocks (it runs qemu-img).
 */
#pragma once

#include <stdint.h>

struct err;

/*
 * Make hda.img of @gib GiB in the folder @dirfd, whose path is @dir, or grow the one that is there.
 * @backing: the qcow2 file that a new one begins with; NULL: none
 */
int disk_make(int dirfd, const char *dir, uint32_t gib, const char *backing, struct err *e);

/* Grow the one that is there.  None, or a larger one, is success.  QEMU must not have it open. */
int disk_grow(int dirfd, const char *dir, uint32_t gib, struct err *e);
