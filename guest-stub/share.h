/* SPDX-License-Identifier: Apache-2.0 */
/*
 * share: the files that the host handed us, copied out once and then left alone
 *
 * Owns     the mount while it copies; nothing after.
 * Trusts   nothing: no link is followed, only regular files are read, each up to its limit, once; what is
 *	    checked later is the copy.
 * Limits   the table in share.c (dstack's): 50 MiB for two files, 10 to 256 KiB for the rest.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct err;

/* Files as they are named in the copy. */
#define SHARE_COMPOSE	    "app-compose.json"
#define SHARE_SYS_CONFIG    ".sys-config.json"
#define SHARE_INSTANCE_INFO ".instance_info"
#define SHARE_ENCRYPTED_ENV ".encrypted-env"
#define SHARE_USER_CONFIG   ".user-config"
#define SHARE_TEE_SIMULATOR ".tee-simulator.json"

enum {
	SHARE_COMPOSE_MAX = 50 * 1024 * 1024,
	SHARE_SYS_CONFIG_MAX = 32 * 1024,
	SHARE_INSTANCE_INFO_MAX = 10 * 1024,
	SHARE_ENCRYPTED_ENV_MAX = 256 * 1024,
	SHARE_USER_CONFIG_MAX = 50 * 1024 * 1024,
	SHARE_TEE_SIMULATOR_MAX = 256 * 1024,
};

/**
 * share_copy() - every known file of @from into @to, mode 0600
 *
 * `.instance-info` is taken where `.instance_info` is missing; if both are there they must be equal.
 *
 * Return: 0; ERR_MISSING when a required file is not there; ERR_PROTO when what is there is not what
 * a host may hand over (a link, no regular file, too large, contradictory); an errno otherwise.
 */
int share_copy(int from, int to, struct err *e);

/**
 * share_fetch() - find the host's share, mount it read-only, copy it, let go of it
 * @to: directory of the copy
 *
 * First a disk whose FAT label is DSTACKSHR (two are ERR_PROTO), then the 9p tag "host-shared".  Waits
 * some seconds for a device to appear.
 *
 * Return: as share_copy(); ERR_MISSING if there is no share.
 */
int share_fetch(int to, struct err *e);
