/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk_find: which block device is the data disk
 *
 * Trusts   nothing of the disks: which one the host presents where is its choice; what is on it is looked at elsewhere.
 */
#pragma once

struct err;

enum { DISK_PATH_SIZE = 64 };

#define DISK_PARTITION_LABEL "dstack-data"

/* Where the kernel says what disks there are; another place for tests. */
struct disk_place {
	const char *sys; /* "/sys/class/block" */
	const char *dev; /* "/dev" */
};

/**
 * disk_find() - the data disk's device
 * @wanted: struct disk_options.device: "/dev/NAME", "PARTLABEL=LABEL", or "" to look for it
 *
 * Looked for: a partition labelled dstack-data; else the one disk that can be written and is not the host's share.
 *
 * Return: 1 and a path; 0 if there is none and none was wanted; ERR_MISSING if the wanted one is not there;
 * ERR_PROTO if it could be either of two, or has partitions and none with the label; ERR_INPUT for a @wanted that
 * cannot be looked for.
 */
int disk_find(const struct disk_place *place, const char *wanted, char ret[static DISK_PATH_SIZE],
	      struct err *e);
