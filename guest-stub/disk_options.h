/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk_options: what the kernel command line and the app say of the data disk
 *
 * Trusts   both, which are measured: a word that is not understood ends the boot and is not guessed at.
 * Wire     words dstack.data_device=, dstack.storage_encrypted=, dstack.storage_fs=; of one that is there twice the
 *	    last counts, as with the kernel's own.
 */
#pragma once

#include <stdbool.h>

struct err;

enum { DISK_OPTIONS_DEVICE_SIZE = 128 };

struct disk_options {
	char device[DISK_OPTIONS_DEVICE_SIZE]; /* "/dev/vdb", "PARTLABEL=name"; "": not said */
	bool is_encrypted;		       /* true if not said */
};

/**
 * disk_options_read() - settle what is wanted
 * @cmdline: text of /proc/cmdline
 * @storage_fs: of the compose, before the command line's; NULL: not said
 *
 * Return: 0; ERR_INPUT for a value that is none, and for zfs, which this guest cannot make.
 */
int disk_options_read(const char *cmdline, const char *storage_fs, struct disk_options *ret,
		      struct err *e);
