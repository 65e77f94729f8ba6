/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys_seed: the app's keys out of 32 bytes, where no KMS derives them: random ones, or a local provider's
 *
 * The host carries both ways of a call to a local key provider and may say anything: tee/provider_check.h.
 *
 * Trusts   the pin of the app's compose.
 * Wire     HostApi.GetSealingKey with a quote over an X25519 key; "App Root Cert", self-signed.
 * Thread   any; it blocks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "data/app_compose.h"
#include "tee/provider_check.h"

struct app_keys_file;
struct err;
struct tee;
struct x509_cert;

enum {
	KEYS_SEED_HOST_MS = 30000,
	KEYS_SEED_RETRY_MS = 30000,
	KEYS_SEED_PAUSE_MS = 1000, /* before the second try, then twice as long each time */
	KEYS_SEED_REPLY_MAX = 256 * 1024,
};

/* All borrowed. */
struct keys_seed_local {
	const char *host_api_url; /* NULL: none */
	const struct tee *tee;
	const void *pin; /* n 0: none */
	size_t n_pin;
	bool may_be_unpinned;
	provider_collateral_fn collateral; /* of an enclave's quote */
	void *arg;
	const struct x509_cert *root; /* of that; NULL: Intel's */
	unsigned int retry_ms;	      /* how long to ask again when there is no answer; 0: once */
	uint64_t deadline;	      /* of time_mono_ms(), for the last try to begin */
};

/*
 * Ask the local provider.  Return: 0 and *@ret, whose key the caller wipes; negative, -EAGAIN if there was no answer
 * of it, which may be another the next time.
 */
int keys_seed_local(const struct keys_seed_local *a, struct provider_found *ret, struct err *e);

/* Its answer: bytes of a JSON object.  Pure.  Each buffer is the caller's.  Return: 0; ERR_PROTO; ERR_LIMIT. */
struct buf;
int keys_seed_answer(const void *p, size_t n, struct buf *ret_encrypted_key,
		     struct buf *ret_provider_quote, struct err *e);

/* An attestation over @report_data, appended to @ret. */
typedef int (*keys_seed_attest_fn)(void *arg, const uint8_t *report_data, struct buf *ret,
				   struct err *e);

/**
 * keys_seed_derive() - all keys of the app
 * @attest: for its CA certificate; when it fails that is made without
 *
 * Return: 0 and *@ret, for app_keys_file_wipe(), without id; negative.
 */
int keys_seed_derive(const struct secret32 *seed, enum app_key_provider provider,
		     keys_seed_attest_fn attest, void *arg, struct app_keys_file *ret,
		     struct err *e);
