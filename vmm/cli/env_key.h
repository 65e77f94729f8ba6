/* SPDX-License-Identifier: Apache-2.0 */
/*
 * env_key: the public key that an app's environment is sealed to, believed for its signature alone
 *
 * A KMS is asked through hosts and networks, and the answer is public: what counts is that the pinned signer vouches
 * for this key, for this app, now.
 *
 * Wire     GetAppEnvEncryptPubKey's answer as JSON; the messages that are signed: tee/app_keys.h.
 * Thread   any; pure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "crypto/k256.h"
#include "crypto/x25519.h"
#include "tee/app_keys.h"

struct err;

/* How old a signature may be, and how far the clocks may differ, as dstack's clients have it. */
enum { ENV_KEY_AGE_MAX = 300, ENV_KEY_AHEAD_MAX = 60 };

struct env_key_rules {
	uint8_t app_id[APP_KEYS_ID];
	uint8_t signer[K256_PUBLIC];
	uint64_t now;	    /* seconds since 1970 */
	bool allow_untimed; /* take the old signature, which holds for ever, where there is no other */
};

struct env_key {
	uint8_t key[X25519_PUBLIC];
	uint64_t signed_at; /* 0: the signature has no time */
};

/* Return: 0; ERR_PROTO for what has no form; ERR_UNPROVEN with who signed, or when. */
int env_key_check(const json_t *answer, const struct env_key_rules *rules, struct env_key *ret,
		  struct err *e);
