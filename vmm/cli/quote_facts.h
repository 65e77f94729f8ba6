/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quote_facts: what a quote says, as JSON of hex, numbers and names of ours
 *
 * Trusts   nothing: what is told is not verified by telling it.  Names of certificates are a peer's
 *	    words; a terminal gets them escaped.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct pck;
struct quote;

/* "TDX" or "SGX". */
const char *quote_facts_tee(const struct quote *q);

/* Fresh values, the caller's. */
json_t *quote_facts_hex(const uint8_t *p, size_t n); /* null for a NULL @p */
json_t *quote_facts_attributes(const struct quote *q);
json_t *quote_facts_report(const struct quote *q);

/* Every field, in objects for header, body, signature data and certification data. */
json_t *quote_facts_all(const struct quote *q);

/* Members of @o about the platform; null each if @k is NULL. */
void quote_facts_put_platform(json_t *o, const struct pck *k);
