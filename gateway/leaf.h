/* SPDX-License-Identifier: Apache-2.0 */
/*
 * leaf: what the gateway needs to know of the first certificate of a PEM text: its dates and its key
 *
 * Pure: no clock; whom it is of and who signed it is for others to ask.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

struct leaf_dates {
	int64_t from, until; /* seconds since 1970 */
};

/* Return: 0; ERR_INPUT: there is no certificate, or it has no dates that can be read. */
int leaf_dates(const void *pem, size_t n, struct leaf_dates *ret, struct err *e);

/* Append its SubjectPublicKeyInfo, DER.  Return: 0; ERR_INPUT; as buf_add(). */
int leaf_spki(const void *pem, size_t n, struct buf *ret, struct err *e);
