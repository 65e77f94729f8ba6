/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_info: what an issuer says in a certificate about the app that it gave it to (extension .9)
 *
 * Pure.  Borrows the bytes it reads.
 * Trusts   nothing; what it says counts only where the certificate's chain leads to an issuer who is believed.
 * Wire     dstack: a MessagePack array of 9: app_id, compose_hash, instance_id, device_id, mr_system, mr_aggregated,
 *	    os_image_hash, key_provider_info, each bin; init_script_hashes, nil or an array of bin.  Older ones
 *	    have 8, without the last.  No byte may follow.
 * Limits   those of the enum.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

enum {
	APP_INFO_SIZE_MAX = 4096,
	APP_INFO_ID_MAX = 64,	       /* app_id, instance_id: 20 bytes, or none */
	APP_INFO_DIGEST_MAX = 64,      /* digests: 32 bytes, or none */
	APP_INFO_PROVIDER_MAX = 1024,  /* key_provider_info: JSON text */
	APP_INFO_INIT_SCRIPTS_MAX = 5, /* hashes of init scripts */
};

struct app_info_bytes {
	const uint8_t *p;
	size_t n;
};

struct app_info {
	struct app_info_bytes app_id, compose_hash, instance_id, device_id;
	struct app_info_bytes mr_system, mr_aggregated, os_image_hash, key_provider_info;
	bool has_init_scripts; /* false: nil, or an array of 8 */
	size_t n_init_scripts;
	struct app_info_bytes init_scripts[APP_INFO_INIT_SCRIPTS_MAX]; /* 32 bytes each */
};

/* Return: 0 and *@ret, or ERR_PROTO. */
int app_info_parse(const void *p, size_t n, struct app_info *ret);

/* Append the array of 9.  Return: as buf_add(); -EINVAL over a limit. */
int app_info_write(const struct app_info *a, struct buf *ret);
