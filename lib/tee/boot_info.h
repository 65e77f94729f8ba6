/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot_info: what a verified attestation says of a machine and its app, as who authorises it is told
 *
 * Owns     its text.  Everything else is in place.
 * Trusts   peer_verify.h made it: nothing here is a claim any more.  device_id and advisories are of the platform,
 *	    identities are of events that the quote's RTMR3 vouches for, os_image_hash is of the image that the
 *	    registers were computed of.
 * Wire     names and meanings as dstack's BootInfo; mr_system and mr_aggregated as derived.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tee/quote_verify.h"

enum { BOOT_INFO_ID_SIZE = 20, BOOT_INFO_DIGEST_SIZE = 32, BOOT_INFO_PPID_SIZE = 16 };

#define BOOT_INFO_VARIANT "dstack-tdx"

struct boot_info {
	bool is_simulated; /* the root is not Intel's: nothing is proved */
	uint8_t app_id[BOOT_INFO_ID_SIZE], instance_id[BOOT_INFO_ID_SIZE];
	size_t n_instance_id; /* BOOT_INFO_ID_SIZE, or 0: the app has none */
	uint8_t compose_hash[BOOT_INFO_DIGEST_SIZE];
	uint8_t os_image_hash[BOOT_INFO_DIGEST_SIZE];
	uint8_t mr_system[BOOT_INFO_DIGEST_SIZE], mr_aggregated[BOOT_INFO_DIGEST_SIZE];
	uint8_t device_id[BOOT_INFO_DIGEST_SIZE]; /* SHA-256 of @ppid */
	uint8_t ppid[BOOT_INFO_PPID_SIZE];
	char *key_provider_info; /* text of the event; "" if there is none yet.  Never NULL */
	enum tcb_status tcb_status;
	char advisories[QUOTE_ADVISORIES_MAX][QUOTE_ADVISORY_SIZE];
	size_t n_advisories;
};

#define BOOT_INFO_NULL ((struct boot_info){ .key_provider_info = NULL })

void boot_info_deinit(struct boot_info *b);
#define auto_boot_info __attribute__((cleanup(boot_info_deinit)))
