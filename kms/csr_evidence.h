/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csr_evidence: what a request for a certificate proves by, out of both of its forms, and into a certificate
 *
 * Thread   any.
 */
#pragma once

#include "tee/app_info.h"

struct buf;
struct csr;
struct err;
struct peer;
struct verified;

/* What peer_read() takes, appended.  Return: 0; ERR_PROTO for a log that is no text. */
int csr_evidence_read(const struct csr *csr, struct buf *ret, struct err *e);

/* The versioned attestation; of the older form it is made of quote and log.  Return: 0 or negative. */
int csr_evidence_attestation(const struct csr *csr, const struct peer *p, struct buf *ret,
			     struct err *e);

struct csr_info {
	struct app_info info; /* borrows from the verified peer, and of what follows */
	unsigned char no_device[32];
};

/* What the certificate says of the app.  *@ret is not to be moved. */
void csr_evidence_info(const struct verified *v, struct csr_info *ret);
