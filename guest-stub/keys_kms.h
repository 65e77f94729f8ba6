/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys_kms: the app's keys from a KMS, one of several, each of which may be dead, slow or a liar
 *
 * Who the KMS is: the key of its root CA, which the app's compose pins.  The first answer (GetTempCaCert) is asked
 * of whoever is there, with nothing of ours in the request, and is held to the pin at once; all else is said by TLS to
 * a server with a certificate of that root, with the usage kms:rpc, as the root signs certificates of apps too.
 *
 * Trusts   the pin.  Without one (the compose says key_provider_unpinned) whoever answers first is the KMS.
 * Limits   each URL is tried once, and those that did not answer again and again for retry_ms, with pauses that double,
 *	    unless a KMS of the pinned root said no; nothing begins after the deadline.  None takes more than its
 *	    share of the time: that which is left by the number of those that are left.
 * Wire     dstack: GetTempCaCert, then GetAppKey by a client certificate "RA-TLS TEMP Cert" with our attestation.
 * Thread   any; it blocks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct app_keys_file;
struct err;
struct p256_key;

enum {
	KEYS_KMS_CONNECT_MS = 5000,
	KEYS_KMS_GREET_MS = 10000, /* GetTempCaCert: nothing to verify, so who needs longer hangs */
	KEYS_KMS_CALL_MS = 60000,  /* a KMS verifies a quote and asks an authoriser meanwhile */
	KEYS_KMS_RETRY_MS = 60000,
	KEYS_KMS_PAUSE_MS = 1000, /* the first; they double */
	KEYS_KMS_PAUSE_MAX_MS = 15000,
};

/* All borrowed. */
struct keys_kms_args {
	const char *const *urls; /* https://host[:port] */
	size_t n_urls;
	const void *pin; /* SubjectPublicKeyInfo of the root CA, DER; n 0: none */
	size_t n_pin;
	bool may_be_unpinned;
	const char *vm_config;
	const struct p256_key
		*key; /* whose SubjectPublicKeyInfo the attestation's report data are of */
	const void *attestation;
	size_t n_attestation;
	unsigned int retry_ms, pause_ms; /* KEYS_KMS_RETRY_MS and _PAUSE_MS but for tests */
	uint64_t deadline;		 /* of time_mono_ms() */
};

/*
 * Return: 0 and *@ret, for app_keys_file_wipe(); ERR_INPUT without URLs, or without pin and leave; else negative,
 * -EAGAIN if one of them did not answer and none said no, and
 * "Failed to get app keys from KMS: " with what was wrong with each URL, the first one's failure first.
 */
int keys_kms_get(const struct keys_kms_args *a, struct app_keys_file *ret, struct err *e);
