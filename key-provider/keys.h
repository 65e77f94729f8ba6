/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys: what this provider has that nobody else may: what keys are derived of, and what it signs with
 *
 * Owns     the file keys.json in the state folder, of mode 0600, or keys.simulated.json where a simulator's root is
 *	    believed: who can forge a quote there learns nothing of real guests, and has another id.  It is made
 *	    once, whole (written aside, fsynced, renamed), and never changed: who loses it loses every disk.
 * Wire     {"version":1,"sealing_key":"<64 hex digits>","signing_key":"<PKCS#8 in PEM>"}
 * Trusts   the file if it belongs to us or to root and nobody else may read it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "crypto/p256.h"

struct err;

enum { KEYS_ID_SIZE = 32 };

struct keys {
	struct secret32 sealing;
	struct p256_key signing;
	uint8_t spki[P256_SPKI];
	uint8_t id[KEYS_ID_SIZE]; /* SHA-256 of spki: what an app's compose pins */
};

/*
 * @folder is absolute.  @may_make: make them if there are none (once, also of two at the same time).
 * Return: 0 and *@ret, wiped by the caller; -ENOENT: there are none; ERR_CORRUPT, ERR_INPUT, others.
 */
int keys_open(const char *folder, bool is_simulated, bool may_make, struct keys *ret,
	      struct err *e);

/* The same from the bytes of the file.  Return: 0; ERR_CORRUPT. */
int keys_read(const void *p, size_t n, struct keys *ret, struct err *e);

void keys_wipe(struct keys *k);
