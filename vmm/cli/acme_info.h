/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acme_info: what a gateway tells of the keys of its domains, and in it the evidence of one
 *
 * Pure.
 * Trusts   nothing: forms only.  Who may say what of a key is for app_verify.h.
 * Wire     JSON of AcmeInfo (proto/gateway.proto, /.dstack/acme-info): quoted_hist_keys, each with public_key
 *	    (SubjectPublicKeyInfo in hex), and quote and attestation, the guest agent's answers as text.
 * Limits   ACME_INFO_MAX bytes, ACME_INFO_KEYS_MAX keys.
 */
#pragma once

#include <stddef.h>

struct err;

enum { ACME_INFO_MAX = 4 * 1024 * 1024, ACME_INFO_KEYS_MAX = 4096 };

/* Of one key.  Owned; each may be NULL. */
struct acme_key {
	char *attestation, *quote;
};

void acme_key_deinit(struct acme_key *k);

/**
 * acme_info_find() - what is told of the key @key, DER; of the first entry, as the newest come first
 *
 * Return: 0; ERR_INPUT for what has no form; ERR_NOT_FOUND, that says how many keys there are, if it is none of them.
 */
int acme_info_find(const void *p, size_t n, const void *key, size_t n_key, struct acme_key *ret,
		   struct err *e);

/**
 * acme_info_compose() - the app-compose.json in the agent's Info, as a gateway serves it at /.dstack/app-info
 *
 * Return: its text, the caller's; NULL: there is none.
 */
char *acme_info_compose(const void *p, size_t n);
