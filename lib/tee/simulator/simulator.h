/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulator: a development world of attestation, made of a seed: keys, certificates, collateral, quotes
 *
 * Owns     the keys and certificates of one seed.  No file, no clock, no random number that counts: what
 *	    is signed depends on the arguments only (OpenSSL before 3.2 gives each signature another form).
 * Trusts   its caller.  Who has the seed can sign anything: what it vouches for proves nothing.
 * Limits   SIMULATOR_QUOTE_MAX bytes a quote, SIMULATOR_COLLATERAL_MAX a collateral.
 * Thread   any for what takes a const struct simulator.
 * Wire     quotes v3 (SGX), v4 and v5 (TDX) and collateral as lib/wire/quote and lib/tee/collateral read them.  Keys as
 *	    dstack's mock makes them: the P-256 scalar is SHA-256("dstack-mock-p256-v1", seed, label, u32
 *	    big-endian counter), the first counter from 0 that gives a scalar; labels tdx-root, tdx-pck-ca,
 *	    tdx-pck, tdx-tcb are dstack's, tdx-attestation is ours.  The names of the authorities are
 *	    dstack's too, so that its root of the same seed is the same root.
 *
 * A verifier believes this world only if its root was given to it by hand, and says "simulated" then.  That
 * is why this is a library of its own: programs that verify do not link it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "crypto/digest.h"
#include "wire/quote.h"

struct X509_crl_st;
struct buf;
struct simulator;
struct x509_st;

enum {
	SIMULATOR_SEED_SIZE = 32,
	SIMULATOR_QUOTE_MAX = 16 * 1024,
	SIMULATOR_COLLATERAL_MAX = 64 * 1024,
	SIMULATOR_SVN_SIZE = 16,
	SIMULATOR_FMSPC_SIZE = 6,
};

#define SIMULATOR_ATTRIBUTES (UINT64_C(1) << 28) /* SEPT_VE_DISABLE, as any TD of production */

/* What a TD says of itself.  simulator_td_init() first; then the caller's measurements. */
struct simulator_td {
	uint16_t version;     /* of the quote: 4 or 5 */
	enum quote_body body; /* QUOTE_BODY_TD10; of version 5 also QUOTE_BODY_TD15 */
	uint8_t tee_tcb_svn[SIMULATOR_SVN_SIZE];
	struct digest384 mr_seam, mr_signer_seam;
	uint8_t seam_attributes[8];
	uint64_t attributes, xfam;
	struct digest384 mr_td, mr_config_id, mr_owner, mr_owner_config, rtmr[4];
	uint8_t report_data[64];
	uint8_t tee_tcb_svn2[SIMULATOR_SVN_SIZE]; /* this and the next are of TD 1.5 only */
	struct digest384 mr_service_td;
};

/* What an enclave says of itself.  simulator_enclave_init() first. */
struct simulator_enclave {
	uint8_t attributes[16]; /* bit 1: it can be debugged */
	struct digest256 mr_enclave, mr_signer;
	uint16_t isv_prod_id, isv_svn;
	uint8_t report_data[64];
};

enum simulator_cert {
	SIMULATOR_ROOT,
	SIMULATOR_PCK_CA,
	SIMULATOR_PCK,
	SIMULATOR_TCB_SIGNER,
	SIMULATOR_CERT_COUNT,
};

/*
 * How a test bends the world: each is called with what is about to be signed, and may change it; NULL
 * leaves it.  @signed_quote is header and body, @qe_report QUOTE_SGX_REPORT_SIZE bytes before the digest
 * that binds the attestation key is set in it.
 */
struct simulator_bend {
	void (*certificate)(void *arg, enum simulator_cert which, struct x509_st *x);
	void (*crl)(void *arg, bool is_root, struct X509_crl_st *x);
	void (*tcb_info)(void *arg, json_t *tcb);
	void (*qe_identity)(void *arg, json_t *qe);
	void (*qe_report)(void *arg, uint8_t *report);
	void (*signed_quote)(void *arg, uint8_t *p, size_t n);
	void (*qe_auth)(void *arg, struct buf *auth);
	void *arg;
};

/* A world as it should be: everything UpToDate.  The caller's.  Never NULL. */
struct simulator *simulator_new(const uint8_t seed[static SIMULATOR_SEED_SIZE]);

/* The same, bent; @bend is copied, what its @arg points to must outlive the world. */
struct simulator *simulator_new_bent(const uint8_t seed[static SIMULATOR_SEED_SIZE],
				     const struct simulator_bend *bend);
void simulator_free(struct simulator *s);

/* The root certificate in DER, borrowed. */
const uint8_t *simulator_root(const struct simulator *s, size_t *ret_n);

/* A TD of production in version 4, all measurements zero. */
void simulator_td_init(struct simulator_td *td);

/* Append the quote of @td.  Return: 0; -EMSGSIZE or -ENOMEM of @out, -EINVAL for another version or body. */
int simulator_quote(const struct simulator *s, const struct simulator_td *td, struct buf *out);

/*
 * Append the collateral, JSON as collateral_parse() reads it (and as the parts of a PCCS's answers): it was
 * issued a day before @at (seconds since 1970) and is good for 30 days after.  Return: as simulator_quote().
 */
int simulator_collateral(const struct simulator *s, int64_t at, struct buf *out);

/* An enclave of production. */
void simulator_enclave_init(struct simulator_enclave *e);

/* Append its quote, of version 3.  Return: as simulator_quote(). */
int simulator_enclave_quote(const struct simulator *s, const struct simulator_enclave *e,
			    struct buf *out);

/* As simulator_collateral(), for enclaves on the same platform. */
int simulator_enclave_collateral(const struct simulator *s, int64_t at, struct buf *out);

/* By which number the platform's collateral is published. */
void simulator_platform(const struct simulator *s, uint8_t ret_fmspc[static SIMULATOR_FMSPC_SIZE]);
