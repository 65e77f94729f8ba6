/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal_note: what this user sealed for a VM, so that the same is not sealed again
 *
 * Sealed bytes are others each time, and nobody but the app can open them.  A note, sealed/<VM> in the user's
 * configuration of bailey, says what was in those that the VM has: by a keyed digest, of use to nobody who cannot read
 * the note.  It also says which app id this user gave the VM, so that a host's word for it need not be taken.
 *
 * Trusts   its own file, which only its user can write; not the VM's id, name or sealed bytes, which a daemon told.
 */
#pragma once

#include <stdbool.h>

#include "base/secret.h"
#include "crypto/digest.h"
#include "crypto/k256.h"
#include "tee/app_keys.h"

struct env_file;
struct err;

enum { SEAL_NOTE_NAME_MAX = 64 };

struct seal_note {
	char name[SEAL_NOTE_NAME_MAX + 1];
	uint8_t app_id[APP_KEYS_ID], signer[K256_PUBLIC];
	struct digest256 sealed;  /* of the sealed bytes in hex */
	struct secret32 salt;	  /* key of: */
	struct digest256 content; /* of what was sealed */
};

/* The note of VM @id, if it is about an app called @name.  Return: 1 there, 0 none (also: unreadable). */
int seal_note_read(const char *id, const char *name, struct seal_note *ret);

/* Fill in what @n says of the sealed bytes and their content. */
void seal_note_take(struct seal_note *n, const struct env_file *f, const char *sealed_hex);

/* Do the sealed bytes hold what is in @f, for @signer's key of the app? */
bool seal_note_holds(const struct seal_note *n, const struct env_file *f, const char *sealed_hex,
		     const uint8_t signer[static K256_PUBLIC]);

/* Return: 0, or why it cannot be kept. */
int seal_note_write(const char *id, const struct seal_note *n, struct err *e);

/* The VM is gone. */
void seal_note_drop(const char *id);
