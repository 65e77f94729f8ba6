/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provider_check: may a guest use the key that a local key provider sealed for it
 *
 * The host carries both ways and may say anything.  A provider proves itself by an SGX quote over the sealed
 * key (its id: MRENCLAVE), or, if it is ours, by a signature (its id: SHA-256 of its key's SPKI), which proves
 * nothing of hardware.  The id is what the app's compose pins.
 *
 * Borrows  everything it is given, for the call.
 * Trusts   the pin and the root that the caller gives, and nothing else.
 * Invariant checks come in this order: form, pin, signature or quote, the sealed box.  Nothing is opened, and
 *	    no collateral is asked for, for a provider that is not the one pinned.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"

struct buf;
struct err;
struct quote;
struct x509_cert;

enum {
	PROVIDER_ID_SIZE = 32,
	PROVIDER_BOX_SIZE = 80, /* a sealed box of 32 bytes */
};

enum provider_kind {
	PROVIDER_SGX,
	PROVIDER_BAILEY,
	PROVIDER_KIND_COUNT,
};

/*
 * Bring the collateral of @q, an SGX quote (pccs_platform_of(), pccs_fetch()), as JSON into @ret, the
 * caller's.  Return: 0 or negative with @e.  Not called for one of ours.
 */
typedef int (*provider_collateral_fn)(void *arg, const struct quote *q, struct buf *ret,
				      struct err *e);

struct provider_check_args {
	const void *encrypted_key, *provider_quote; /* the answer of GetSealingKey */
	size_t n_encrypted_key, n_provider_quote;
	const void *quote; /* the TD quote that was sent with the request, byte for byte */
	size_t n_quote;
	const struct secret32 *secret; /* X25519; its public key is report_data[0..32] of @quote */
	const void *pin;      /* the compose's key_provider_id, decoded; compared exactly */
	size_t n_pin;	      /* 0: none, refused unless @may_be_unpinned */
	bool may_be_unpinned; /* the compose says key_provider_unpinned */
	/* For an SGX quote: */
	provider_collateral_fn collateral;
	void *arg;
	const struct x509_cert *root; /* NULL: Intel's */
	uint32_t accept;	      /* 1 << enum tcb_status of each; 0: provider_check_accept() */
	int64_t at;		      /* seconds since 1970 */
};

struct provider_found {
	enum provider_kind kind;
	uint8_t id[PROVIDER_ID_SIZE]; /* of the provider; for the event key-provider */
	struct secret32 key;	      /* the caller wipes it */
};

/*
 * Return: 0 and *@ret; ERR_PROTO for a wrong form or a lie, ERR_INPUT if pin and provider do not agree, what
 * @collateral returned, ERR_CRYPTO if the box does not open.  *@ret is not written then.
 */
int provider_check(const struct provider_check_args *a, struct provider_found *ret, struct err *e);

/* What a quote may be accepted with where nobody says: nothing that is out of date or revoked. */
uint32_t provider_check_accept(void);
