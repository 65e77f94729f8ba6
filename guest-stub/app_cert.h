/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_cert: the app's own certificate: Info shows it, and the public port speaks TLS with it
 *
 * Whoever signs for the app has signed it, and a quote over its key is in it: who connects needs no CA to know that
 * this TEE has the key.
 *
 * Owns     the texts.
 * Borrows  the client.
 * Limits   asked for once at the start; after a failure at most every APP_CERT_PAUSE_MS.
 * Thread   the loop's.
 * Wire     dstack: subject demo-cert, client authentication (and ours: server), with quote; PEM texts from the leaf up, a newline between.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "crypto/p256.h"

struct cert_client;

enum { APP_CERT_PAUSE_MS = 10000 };

struct app_cert {
	struct cert_client *certs;	      /* NULL: there is nobody to ask */
	char *text, *key;		      /* PEM; NULL: not there yet */
	uint8_t spki[P256_SPKI];	      /* of the key, once there is one */
	void (*on_ready)(struct app_cert *c); /* runs once, from the loop; NULL: nobody minds */
	void *arg;
	bool is_asked;
	uint64_t not_before_ms; /* when to ask again */
};

/* What there is, "" if nothing; asks for it then.  Borrowed until the loop runs again. */
const char *app_cert_text(struct app_cert *c);
