/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_info: what a certificate of the app's own CA says of the app (extension .9), where no KMS says it
 *
 * Owns     the digests that are computed here; the rest is borrowed from struct about.
 * Wire     tee/app_info.h; device_id as dstack's agents have it.
 */
#pragma once

#include <stdint.h>

#include "crypto/digest.h"
#include "guest-stub/about.h"
#include "tee/app_info.h"

struct err;
struct tee;

struct cert_info {
	struct app_info info;
	struct digest256 mr_system;
	struct about_bytes mr_aggregated; /* as it was: events of the app change it */
};

/* Return: 0 and *@ret, which must not be moved; what reading the registers says. */
int cert_info_of(const struct about *a, const struct tee *t, struct cert_info *ret, struct err *e);
