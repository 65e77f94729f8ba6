/* SPDX-License-Identifier: Apache-2.0 */
/*
 * asker: who asks, verified and authorised, with a line in the audit log either way
 *
 * Thread   any; it blocks.
 */
#pragma once

#include <stdbool.h>

#include "kms/authoriser.h"

struct err;
struct job;
struct ratls;
struct verified;
struct verifier_request;

/* The attestation in the client's certificate, for its key.  Return: 0; "No attestation provided". */
int asker_verify(struct job *j, bool is_booting, struct verified *ret, struct err *e);

/* The same of what came another way.  "invalid quote: ...". */
int asker_verify_as(struct job *j, const struct verifier_request *q, struct verified *ret,
		    struct err *e);

/* May it?  Return: 0 and j->grant; "... not allowed: Boot denied: <reason>". */
int asker_authorise(struct job *j, enum authoriser_kind kind, const struct verified *v,
		    struct err *e);

/* Write down that it got what it asked for; without that it does not.  Return: 0 or negative. */
int asker_granted(struct job *j, const struct verified *v, struct err *e);

/* Write down that it did not: @e says why.  @v: NULL, or its peer is: nobody was verified.  Return: @rc. */
int asker_refused(struct job *j, const struct verified *v, int rc, const struct err *e);
