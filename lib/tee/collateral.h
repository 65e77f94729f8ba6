/* SPDX-License-Identifier: Apache-2.0 */
/*
 * collateral: what Intel publishes to check quotes with, as one JSON file holds it
 *
 * Owns     its certificates, lists and texts.
 * Trusts   nothing: reading proves the form only; the verifier checks who signed what.  The two
 *	     documents stay text here, as their signatures are over those very bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "crypto/x509.h"

struct err;

enum { COLLATERAL_MAX = 4 * 1024 * 1024 };

struct collateral_document {
	char *text;
	uint8_t signature[ECDSA_P256_SIGNATURE];
	struct x509_chain signer;
};

struct collateral {
	struct x509_crl *root_crl, *pck_crl;
	struct x509_chain
		pck_crl_issuer; /* its dates count; who signed, the quote's own chain says */
	struct collateral_document tcb_info, qe_identity;
	struct digest256 digest; /* of the bytes it was read from */
};

#define COLLATERAL_NULL ((struct collateral){ .root_crl = NULL })

/* Return: 0 and *@ret, to be deinitialised; ERR_INPUT or ERR_LIMIT with the member at fault. */
int collateral_parse(const void *p, size_t n, struct collateral *ret, struct err *e);
void collateral_deinit(struct collateral *c);
