/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_pki: the certificates and revocation lists of a simulated world
 *
 * Owns     its keys and certificates.  All are valid from 2020 to 2100, as those of dstack's mock.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "simulator/simulator.h"

struct pck;

struct sim_pki {
	EVP_PKEY *keys[SIMULATOR_CERT_COUNT];
	X509 *certs[SIMULATOR_CERT_COUNT];
};

/* @bend is asked before each certificate is signed. */
void sim_pki_init(struct sim_pki *p, const uint8_t seed[static SIMULATOR_SEED_SIZE],
		  const struct pck *k, const struct simulator_bend *bend);
void sim_pki_deinit(struct sim_pki *p);

/* Append @n certificates in PEM. */
int sim_pki_chain(const struct sim_pki *p, const enum simulator_cert *which, size_t n,
		  struct buf *out);

/* Append the list of the root or of the PCK CA in DER; it lists nobody, but for @bend. */
int sim_pki_crl(const struct sim_pki *p, bool is_root, int64_t from, int64_t until,
		const struct simulator_bend *bend, struct buf *out);
