/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_cert: the certificate that Info shows of the app: who signs for it, with a quote in the leaf
 *
 * Its key is thrown away: it is an example, nothing is served with it.
 *
 * Owns     the text.
 * Borrows  the client.
 * Limits   asked for once at the start; after a failure at most every APP_CERT_PAUSE_MS.
 * Thread   the loop's.
 * Wire     dstack: subject demo-cert, client authentication, with quote; PEM texts from the leaf up, a newline between.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct cert_client;

enum { APP_CERT_PAUSE_MS = 10000 };

struct app_cert {
	struct cert_client *certs; /* NULL: there is nobody to ask */
	char *text;		   /* NULL: not there yet */
	bool is_asked;
	uint64_t not_before_ms; /* when to ask again */
};

/* What there is, "" if nothing; asks for it then.  Borrowed until the loop runs again. */
const char *app_cert_text(struct app_cert *c);
