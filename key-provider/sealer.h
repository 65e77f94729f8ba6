/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sealer: the key of what was measured, for who can open the box, signed
 *
 * Pure but for the randomness of the box and of the signature.
 *
 * Wire     key = SHA-256(sealing key, MRTD, RTMR0, RTMR1, RTMR2, RTMR3); a sealed box of it to the X25519 key in
 *	    report_data[0..32], whose rest is zero; the signature of wire/provider_answer.h.
 */
#pragma once

#include <stddef.h>

#include "base/secret.h"
#include "wire/key_frame.h"

struct err;
struct keys;
struct quote_td_report;

/* What the measurements' key is.  @td is of a quote that was verified. */
void sealer_derive(const struct secret32 *sealing, const struct quote_td_report *td,
		   struct secret32 *ret);

/*
 * The answer to @quote, whose TD is @td.  Return: 0 and *@ret, the caller's; ERR_INPUT for report data that is no
 * key, more than a key, or a key of low order, to which anybody could open the box.
 */
int sealer_seal(const struct keys *k, const struct quote_td_report *td, const void *quote, size_t n,
		struct key_frame_answer *ret, struct err *e);
