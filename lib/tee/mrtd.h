/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mrtd: the register that says which firmware a TD began with
 *
 * Wire     Intel TDX module: one SHA-384 over a record of 128 bytes for each page added and for each chunk of 256
 *          bytes extended, the chunk after its record.  The order is the VMM's: QEMU 9 and later take page by page,
 *          QEMU 8 adds all pages of a section first.
 * Limits   those of wire/tdvf.h bound the work.
 */
#pragma once

#include <stdbool.h>

#include "crypto/digest.h"

struct tdvf;

/* @firmware: the bytes that @t was parsed from. */
struct digest384 mrtd_of(const void *firmware, const struct tdvf *t, bool two_pass);
