/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quote: what an attestation quote says, TDX v4 and v5, SGX v3 to v5
 *
 * Borrows  the bytes: all pointers of a struct quote are into them.
 * Trusts   nothing.  Nothing here is verified; see the verifier of lib/tee.
 * Wire     Intel's "SGX/TDX ECDSA quote" layouts, little-endian.  Lengths inside a quote must
 *	     add up exactly; bytes after its end are counted and not refused, as real quotes come
 *	     in padded buffers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	QUOTE_TEE_SGX = 0,
	QUOTE_TEE_TDX = 0x81,
	QUOTE_SGX_REPORT_SIZE = 384,
	QUOTE_SIGNATURE_SIZE = 64,
	QUOTE_KEY_SIZE = 64,
	QUOTE_MEASUREMENT_SIZE = 48,
	QUOTE_EXTENDED_SIZE = 237, /* of QUOTE_BODY_TD15_EXTENDED, after TD 1.5 */
};

/* The numbers of v5; v3 and v4 have SGX and TD 1.0 without saying so. */
enum quote_body {
	QUOTE_BODY_SGX = 1,
	QUOTE_BODY_TD10 = 2,
	QUOTE_BODY_TD15 = 3,
	QUOTE_BODY_TD15_EXTENDED = 4,
};

enum quote_cert_type {
	QUOTE_CERT_PPID = 1,
	QUOTE_CERT_PPID_RSA2048 = 2,
	QUOTE_CERT_PPID_RSA3072 = 3,
	QUOTE_CERT_PCK_LEAF = 4,
	QUOTE_CERT_PCK_CHAIN = 5, /* PEM, leaf first; often ends with a NUL */
	QUOTE_CERT_QE_REPORT = 6, /* only around the others, from v4 on */
};

enum quote_verdict {
	QUOTE_OK,
	QUOTE_TRUNCATED,
	QUOTE_BAD_VERSION,
	QUOTE_BAD_KEY_TYPE,
	QUOTE_BAD_TEE,
	QUOTE_BAD_VENDOR,
	QUOTE_BAD_BODY_TYPE,
	QUOTE_BAD_BODY_SIZE,
	QUOTE_BAD_AUTH_LENGTH,
	QUOTE_BAD_OUTER_CERT,
	QUOTE_BAD_CERT_TYPE,
	QUOTE_BAD_CERT_LENGTH,
	QUOTE_VERDICT_COUNT,
};

struct quote_sgx_report {
	const uint8_t *cpu_svn;	    /* 16 */
	const uint8_t *misc_select; /* 4 */
	const uint8_t *attributes;  /* 16 */
	const uint8_t *mr_enclave;  /* 32 */
	const uint8_t *mr_signer;   /* 32 */
	uint16_t isv_prod_id, isv_svn;
	const uint8_t *report_data; /* 64 */
};

/* 48 bytes each where nothing else is said. */
struct quote_td_report {
	const uint8_t *tee_tcb_svn; /* 16 */
	const uint8_t *mr_seam, *mr_signer_seam;
	const uint8_t *seam_attributes; /* 8 */
	uint64_t td_attributes, xfam;
	const uint8_t *mr_td, *mr_config_id, *mr_owner, *mr_owner_config;
	const uint8_t *rtmr[4];
	const uint8_t *report_data;   /* 64 */
	const uint8_t *tee_tcb_svn2;  /* 16; NULL before TD 1.5 */
	const uint8_t *mr_service_td; /* NULL before TD 1.5 */
	const uint8_t *extended;      /* QUOTE_EXTENDED_SIZE, what follows; NULL but in 4 */
};

struct quote {
	uint16_t version;
	uint32_t tee;
	enum quote_body body;
	const uint8_t *user_data; /* 20 */
	union {
		struct quote_sgx_report sgx; /* QUOTE_BODY_SGX */
		struct quote_td_report td;   /* all others */
	};
	const uint8_t *signed_bytes; /* what @signature is over */
	size_t n_signed;
	const uint8_t *signature, *attestation_key; /* r then s, X then Y */
	const uint8_t *qe_report_bytes;		    /* QUOTE_SGX_REPORT_SIZE */
	struct quote_sgx_report qe_report;
	const uint8_t *qe_signature;
	const uint8_t *qe_auth;
	size_t n_qe_auth;
	enum quote_cert_type cert_type;
	const uint8_t *cert;
	size_t n_cert;
	size_t n_quote;	   /* the quote itself */
	size_t n_trailing; /* bytes after it */
	bool is_padding;   /* all of those are zero */
};

/* Return: QUOTE_OK and *@ret; else the first thing that is wrong, and *@ret is not written. */
enum quote_verdict quote_parse(const void *p, size_t n, struct quote *ret);

/* What the verdict means, for people.  Static. */
const char *quote_verdict_text(enum quote_verdict v);
