/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mr_config: the 48 bytes by which a TDX guest is bound to its app before it runs (MRCONFIGID)
 *
 * Wire     V1: 01, SHA-256 of app-compose.json, 15 zeros.
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
struct mr_config mr_config_v3(const char *document, size_t n);

/* Base64, as <mrConfigId> and QEMU's mrconfigid want it. */
void mr_config_text(const struct mr_config *m, char ret[static MR_CONFIG_TEXT_SIZE]);
