/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer_verify: who asks, by the attestation that came with its TLS key: which machine, which image, which app
 *
 * In four steps, as what is needed depends on what is claimed and what it costs on what holds: peer_read() takes the
 * attestation apart; the caller finds the collateral of its platform; peer_quote() verifies the quote; the
 * caller computes what such a machine must measure (peer_measure() or another way); peer_verify() holds all of it
 * against each other by the checks of app_verify.h.
 *
 * Pure but for time and files that the caller brings.
 * Trusts   the roots given.  Of the attestation nothing before peer_verify() returned 0.
 * Invariant a quote vouches for one TLS key: who sends an old one must have that key too, which the handshake (or a
 *	    CSR's signature) proves.  How old a quote may be is therefore its key's matter.
 * Thread   any; a struct peer and a struct known are of one thread at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "data/sys_vm_config.h"
#include "tee/boot_info.h"

struct account;
struct app_evidence;
struct app_result;
struct collateral;
struct err;
struct known;
struct measure_acpi;
struct measurement;
struct x509_cert;

/* What is claimed.  Its members are for looking at, not for believing. */
struct peer {
	struct app_evidence *evidence;
	struct account *account;
	json_t *vm_doc;		    /* vm borrows from it */
	struct sys_vm_config vm;    /* of the request, or else of the attestation */
	struct quote_result *quote; /* of peer_quote(); before it all zero */
	bool is_simulated;	    /* the root was not Intel's */
};

/**
 * peer_read() - take an attestation apart
 * @vm_config: JSON text that came with the request; NULL or "": the attestation's own
 *
 * Return: 0 and *@ret, the caller's; ERR_INPUT or ERR_LIMIT with what has no form.
 */
int peer_read(const void *attestation, size_t n, const char *vm_config, struct peer **ret,
	      struct err *e);
void peer_free(struct peer *p);

/* The digests of the ACPI tables that the log tells of.  Return: 0; ERR_INPUT: it does not. */
int peer_acpi(const struct peer *p, struct measure_acpi *ret, struct err *e);

/**
 * peer_measure() - what the machine must measure, by the document in its vm_config and the ACPI tables of its log
 *
 * The document is bound to os_image_hash; the tables are the host's choice, which the caller's policy must allow.
 * @two_pass: how QEMU of that version adds pages
 *
 * Return: 0; ERR_MISSING: vm_config carries no document; ERR_INPUT: os_image_hash does not vouch for it.
 */
int peer_measure(const struct peer *p, bool two_pass, struct measurement *ret, struct err *e);

struct peer_quote_args {
	const struct collateral *collateral; /* NULL: none, as @collateral_fault says */
	const char *collateral_fault;
	const struct x509_cert *root;
	int64_t at;	 /* seconds since 1970 */
	uint32_t accept; /* 1 << enum tcb_status of each; 0: UpToDate only */
	struct known *known;
};

/* Verify the quote, strictly.  Return: is it accepted?  If not, peer_verify() will say why. */
bool peer_quote(struct peer *p, const struct peer_quote_args *args);

struct peer_verify_args {
	const void *key; /* DER of the SubjectPublicKeyInfo that the attestation must be for */
	size_t n_key;
	const struct measurement *measurement; /* NULL: none, as @measurement_fault says: refused */
	const char *measurement_fault;
	/* It asks for keys: events after boot-mr-done may be missing. */
	bool is_booting;
	/* mr_aggregated through boot-mr-done, without key provider: SignCert. */
	bool wants_boot_mr;
};

/**
 * peer_verify() - is all of it true?
 * @result: each check, for who wants to tell them; NULL
 *
 * Return: 0 and *@ret, to be deinitialised; ERR_PROTO with the first check that failed and why, in our own words
 * and hex ("report data mismatch: ...", "Debug mode is not allowed", "RTMR3 mismatch, quoted: ..., replayed: ...",
 * "quote.tcb-status: expected ..., got ...").
 */
int peer_verify(const struct peer *p, const struct peer_verify_args *args, struct boot_info *ret,
		struct app_result *result, struct err *e);
