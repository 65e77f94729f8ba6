/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provider_answer: what bailey-key-provider gives as its "provider_quote", where an enclave gives a quote
 *
 * It proves who sealed a key, by a signature, and nothing of the hardware it was sealed on.
 *
 * Borrows  the bytes: the pointers of a struct provider_answer are into them.
 * Trusts   nothing: pure functions.  Nothing here is verified; lib/tee/provider_check does.
 * Wire     "bailey-key-provider-v1\0", u16 big-endian length and SubjectPublicKeyInfo (DER) of a P-256 key,
 *	    u16 big-endian length and ECDSA signature (DER) with SHA-256 over PROVIDER_ANSWER_MESSAGE_SIZE
 *	    bytes: "bailey-key-provider-v1:", SHA-256 of the encrypted key, SHA-256 of the quote that asked.
 *	    Nothing follows.  No SGX quote begins so: its first byte is a small version.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
	PROVIDER_ANSWER_MAGIC_SIZE = 23, /* with its NUL */
	PROVIDER_ANSWER_SPKI_SIZE = 91,	 /* P-256, as it is always written */
	PROVIDER_ANSWER_SIGNATURE_MIN = 8,
	PROVIDER_ANSWER_SIGNATURE_MAX = 72,
	PROVIDER_ANSWER_MAX = PROVIDER_ANSWER_MAGIC_SIZE + 2 + PROVIDER_ANSWER_SPKI_SIZE + 2 +
			      PROVIDER_ANSWER_SIGNATURE_MAX,
	PROVIDER_ANSWER_HASH_SIZE = 32,
	PROVIDER_ANSWER_MESSAGE_SIZE = PROVIDER_ANSWER_MAGIC_SIZE + 2 * PROVIDER_ANSWER_HASH_SIZE,
};

struct provider_answer {
	const uint8_t *spki; /* PROVIDER_ANSWER_SPKI_SIZE */
	const uint8_t *signature;
	size_t n_signature;
};

/* Does it begin as one of ours?  Else it may be an SGX quote. */
bool provider_answer_is(const void *p, size_t n);

/* Return: 0 and *@ret; -EINVAL for anything but the form above, to its last byte. */
int provider_answer_parse(const void *p, size_t n, struct provider_answer *ret);

/* Append one.  Return: 0; -EINVAL for a signature of a length that none has; -EMSGSIZE or -ENOMEM of @out. */
int provider_answer_write(const uint8_t spki[static PROVIDER_ANSWER_SPKI_SIZE],
			  const void *signature, size_t n_signature, struct buf *out);

/* What is signed, out of the SHA-256 of the encrypted key and of the quote. */
void provider_answer_message(const uint8_t key_hash[static PROVIDER_ANSWER_HASH_SIZE],
			     const uint8_t quote_hash[static PROVIDER_ANSWER_HASH_SIZE],
			     uint8_t ret[static PROVIDER_ANSWER_MESSAGE_SIZE]);
