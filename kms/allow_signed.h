/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allow_signed: an allow-list that others carry: signed by who decides, held to the key that is in the configuration
 *
 * Whose keys a KMS gives to whom must not be its host's to say.  A list in the measured compose cannot name an app
 * that pins this KMS, as the app's compose hash is known only after; and a measured change takes a KMS its keys.
 * So the key of who signs is measured, and the list comes by the host.
 *
 * Pure.
 * Wire     the list, which ends with a line feed, then one last line "# signed: BASE64" and its line feed: ECDSA with
 *	    SHA-256 by a P-256 key, DER, over all bytes before that line.  To YAML that line is a comment.
 */
#pragma once

#include <stddef.h>

struct err;

/*
 * Is @text signed by the key in @spki (P-256, DER)?  @file is for messages.  Return: 0; ERR_INPUT with what it has in
 * place of a signature.
 */
int allow_signed_check(const char *text, size_t n, const char *file, const void *spki,
		       size_t n_spki, struct err *e);
