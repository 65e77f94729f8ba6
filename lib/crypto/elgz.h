/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elgz: an event log as older dstack certificates carry it: "ELGZv1", then gzip
 *
 * Trusts   nothing: what it unpacks to is bounded while it does; no byte may follow.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf;

#define ELGZ_MAGIC "ELGZv1"

bool elgz_is_packed(const void *p, size_t n);

/* Append what is packed, to at most @ret's max.  Return: 0; -EMSGSIZE; ERR_PROTO; -ENOMEM. */
int elgz_unpack(const void *p, size_t n, struct buf *ret);

/* The other way, for tests and for who must speak to readers with small limits.  Return: as buf_add(). */
int elgz_pack(const void *p, size_t n, struct buf *ret);
