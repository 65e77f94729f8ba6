/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ratls: what a TLS certificate says of its key and of the machine that has it
 *
 * Owns     copies of what it found.
 * Trusts   nothing: who signed the certificate is not looked at, as the quote in it vouches for the key.  app_id,
 *	    usage and app_info are words of who signed it: they count only where its chain was verified.
 * Wire     dstack's extensions 1.3.6.1.4.1.62397.1: .8 the attestation; before it .1 the quote and .2 the event log
 *	    (JSON, or "ELGZv1" and gzip: unpacked here); .3 the app's id, .4 the special usage, .9 the app's
 *	    measurements (tee/app_info.h).  Each is a DER OCTET STRING inside the extension's own.  One that is
 *	    there twice, or with bytes after the inner string, makes the whole
 *	    certificate refused.
 * Limits   RATLS_MAX bytes of a certificate, and those of the enum.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	RATLS_MAX = 256 * 1024,
	RATLS_EVENT_LOG_MAX = 16384, /* unpacked, if it was packed */
	RATLS_APP_ID_MAX = 64,
	RATLS_USAGE_MAX = 63,
	RATLS_APP_INFO_MAX = 4096,
};

struct ratls_bytes {
	uint8_t *p; /* NULL: not there */
	size_t n;
};

struct ratls {
	struct ratls_bytes key; /* SubjectPublicKeyInfo, DER */
	struct ratls_bytes attestation, quote, event_log;
	struct ratls_bytes app_id, app_info;
	char usage[RATLS_USAGE_MAX + 1]; /* "": none; printable ASCII */
};

/* @p is PEM, of which the first certificate counts, or DER.  Return: 0 and *@ret, the caller's; ERR_INPUT. */
int ratls_read(const void *p, size_t n, struct ratls *ret, struct err *e);
void ratls_deinit(struct ratls *r);
