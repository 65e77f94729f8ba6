/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cert_client: certificates for keys that the app asks for, from whoever signs for it
 *
 * With a KMS that is the KMS (SignCert); in the other modes the guest itself, with the app's own CA.
 *
 * Owns     what is being signed; the connection and the certificate with which the KMS knows us.
 * Borrows  all that struct cert_client_args points to.
 * Limits   CERT_CLIENT_MAX signings are under way or wait; the KMS has CERT_CLIENT_MS for one.
 * Thread   the loop's.  Signing and calling are done on a worker; only pointers to what does not change are read.
 * Wire     dstack: CSR V2 and SignCert of api_version 2; in local modes usage app:custom and no app id.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/err.h"

struct about;
struct app_keys_file;
struct cert_client;
struct guest_tee;
struct p256_key;
struct quoting;

enum {
	CERT_CLIENT_MAX = 16,
	CERT_CLIENT_MS = 30000,
	CERT_CLIENT_CHAIN_MAX = 8,
	CERT_CLIENT_TEXT_MAX = 253, /* of subject, organization, each name */
	CERT_CLIENT_NAMES_MAX = 64,
};

/* What a certificate is to say; copied by cert_client_sign(). */
struct cert_config {
	const char *organization; /* NULL: none */
	const char *subject;
	const char *const *alt_names; /* an IP address in text becomes one */
	size_t n_alt_names;
	bool server_auth, client_auth;
	bool with_quote, with_app_info;
	bool has_not_before, has_not_after;
	uint64_t not_before, not_after; /* seconds since 1970 */
};

/* What came of it.  Borrowed, for the call only. */
struct cert_result {
	int r; /* 0, or negative and @e says why; the rest is of a success */
	struct err e;
	const char
		*chain[CERT_CLIENT_CHAIN_MAX]; /* PEM, each with a newline at its end; leaf first */
	size_t n_chain;
};

typedef void (*cert_client_done_fn)(void *arg, const struct cert_result *result);

/* All borrowed, until the client is freed. */
struct cert_client_args {
	uv_loop_t *loop;
	const struct app_keys_file *keys;
	const struct about *about;
	const struct guest_tee *tee;
	struct quoting *quotes;
};

struct cert_client *cert_client_new(const struct cert_client_args *a);

/* Only when nothing is being signed: the agent lives until it is killed. */
void cert_client_free(struct cert_client *c);

/**
 * cert_client_sign() - a certificate for @key
 * @key: the subject's; copied, and wiped when done
 *
 * Return: 0, and @done runs once from the loop, never before this returns; ERR_INPUT ("not_before must be
 * earlier than not_after", names that are too long or too many), ERR_LIMIT, ERR_MISSING (a quote is asked for, or
 * needed for the KMS, and there is no TEE), and it never runs.
 */
int cert_client_sign(struct cert_client *c, const struct cert_config *config,
		     const struct p256_key *key, cert_client_done_fn done, void *arg,
		     struct err *e);
