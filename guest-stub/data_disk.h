/* SPDX-License-Identifier: Apache-2.0 */
/*
 * data_disk: the guest's data disk, found, opened with the app's disk key (or formatted once), checked, mounted
 *
 * The device is the host's, so is every byte on it: a LUKS2 header is copied out once, both its copies are held to
 * dstack's rules (luks2_header.h), and cryptsetup works with that copy alone.  What lies below is encrypted and not
 * authenticated: a host can put back older blocks, or spoil them, and cannot read or choose them.
 *
 * Nothing is formatted but a blank disk (first and last MiB zeros), one that bears our own mark of a format that did
 * not end, or, where the key does not outlive the boot, one that bears our mark of a disk made for such a key.
 *
 * Borrows  the key, supervisor and notices for the call.
 * Thread   PID 1's only one; programs are run and waited for through the supervisor.
 * Wire     boot.progress "initializing data disk" or "mounting data disk"; boot.notice for what is gone without.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct err;
struct notices;
struct supervisor;

#define DATA_DISK_MOUNT_POINT "/dstack/persistent"

enum { DATA_DISK_KEY_SIZE = 32 };

struct data_disk_args {
	const uint8_t *key;	/* disk_crypt_key, DATA_DISK_KEY_SIZE bytes */
	bool is_key_kept;	/* the next boot gets the same; false for key provider none */
	const char *storage_fs; /* the compose's, or NULL: the kernel command line's, else ext4 */
	uint64_t swap_size;	/* bytes of a swap file on it, made anew each boot; 0: none */
	const char *mount_point;
	struct supervisor *supervisor;
	struct notices *notices;
};

struct data_disk {
	const char *
		fs; /* payload of the event storage-fs: "ext4"; NULL: this guest has no data disk */
	bool is_new; /* it was formatted by this call */
	bool is_encrypted;
	bool has_swap;
};

/**
 * data_disk_open() - find the data disk, open or make it, and mount it at @mount_point, which is made
 *
 * Without a disk the mount point is a folder in memory and the host is told by a boot.notice.
 *
 * Return: 0; -ECANCELED when a stop was asked for meanwhile; ERR_MISSING for what the image or the host lacks;
 * ERR_INPUT for a choice that is not possible; ERR_PROTO when the disk is not what it must be (another's key, a
 * header that breaks a rule, a foreign content); an errno otherwise.  After a failure nothing is mounted or open,
 * and unless it was while formatting, nothing on the disk is changed.
 */
int data_disk_open(const struct data_disk_args *a, struct data_disk *ret, struct err *e);

/* Swap off and unmount, for who is about to power off; content with what is not there. */
void data_disk_close(const char *mount_point);
