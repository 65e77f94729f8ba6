/* SPDX-License-Identifier: Apache-2.0 */
/*
 * share: the shared folder of a VM as a read-only FAT32 disk
 *
 * A 9p share is the folder itself and needs nothing from here.
 *
 * Thread   any; blocks (it runs mkfs.vfat and mcopy).
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	SHARE_DISK_SIZE = 128 * 1024 * 1024, /* sparse */
	SHARE_BYTES_MAX = 112 * 1024 * 1024, /* of files */
	SHARE_FILES_MAX = 64,
};

#define SHARE_LABEL "DSTACKSHR"

/**
 * share_build() - make @disk hold the regular files of @folder
 *
 * Symlinks and folders are skipped.  Built aside in @disk's folder, fsynced, renamed over: @disk is never half
 * made.  Mode 0644, as QEMU may run as another user.
 *
 * Return: 0; ERR_LIMIT if the files do not fit; ERR_MISSING without mkfs.vfat or mcopy; negative errno.
 */
int share_build(const char *folder, const char *disk, struct err *e);
