/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ratls: what a TLS certificate says of its key and of the machine that has it
 *
 * Owns     copies of what it found.
 * Trusts   nothing: who signed the certificate is not looked at, as the quote in it vouches for the key.
 * Wire     dstack's extensions 1.3.6.1.4.1.62397.1: .8 the attestation; before it .1 the quote and .2 the event log.
 *	    Each is a DER OCTET STRING inside the extension's own.
 * Limits   RATLS_MAX bytes of a certificate.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

enum { RATLS_MAX = 256 * 1024 };

struct ratls_bytes {
	uint8_t *p; /* NULL: not there */
	size_t n;
};

struct ratls {
	struct ratls_bytes key; /* SubjectPublicKeyInfo, DER */
	struct ratls_bytes attestation, quote, event_log;
};

/* @p is PEM, of which the first certificate counts, or DER.  Return: 0 and *@ret, the caller's; ERR_INPUT. */
int ratls_read(const void *p, size_t n, struct ratls *ret, struct err *e);
void ratls_deinit(struct ratls *r);
