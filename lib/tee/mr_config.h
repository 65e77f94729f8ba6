/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mr_config: the 48 bytes by which a TDX guest is bound to its app before it runs (MRCONFIGID)
 *
 * Wire     V1: 01, SHA-256 of app-compose.json, 15 zeros.
 *          V2: 02, Keccak-256 of compose hash, app id, a byte for the kind of key provider, its id; 15 zeros.  No
 *          host of today makes it; a verifier meets it in older quotes.
 *          V3: 03, SHA-256 of "dstack-mr-config-v3:" 00 and the document, 15 zeros.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"

struct mr_config {
	uint8_t b[48];
};

enum { MR_CONFIG_TEXT_SIZE = 65 };

struct mr_config mr_config_v1(const struct digest256 *compose_hash);

/* @kind: 0 none, 1 local, 2 kms, 3 tpm. */
struct mr_config mr_config_v2(const struct digest256 *compose_hash, const uint8_t app_id[static 20],
			      uint8_t kind, const void *provider_id, size_t n);
struct mr_config mr_config_v3(const char *document, size_t n);

/* Base64, as <mrConfigId> and QEMU's mrconfigid want it. */
void mr_config_text(const struct mr_config *m, char ret[static MR_CONFIG_TEXT_SIZE]);
