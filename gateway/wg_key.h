/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wg_key: the gateway's own WireGuard key, in a file, and the interface that it is for
 *
 * Wire     the file: as wg genkey writes it, 44 characters of base64 and a newline.
 */
#pragma once

#include <stdint.h>

#include "gateway/wg.h"

struct err;
struct gw_registration;

/*
 * The public half of the key in the file @path, which nobody else may read.  Made, of mode 0600, if there is no such
 * file; its folder too.  Return: 0 or negative.
 */
int wg_key_public(const char *path, uint8_t ret[static WG_KEY], struct err *e);

/*
 * Make the configured interface with our address, and set it up, if there is none of that name; one that is there stays
 * as it is, unless it is down and has no address.  Before rights are given up.  Return: 0, also if none is configured; negative: there is none.
 */
int wg_key_interface(const struct gw_registration *c, struct err *e);
