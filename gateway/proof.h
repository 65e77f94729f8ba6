/* SPDX-License-Identifier: Apache-2.0 */
/*
 * proof: has the guest's agent attest the keys of domains, and say what app the gateway is
 *
 * Each key that is served is attested when it is first, and once more after each start; what comes of it is written
 * down (attested.h) and served at /.dstack/acme-info, the agent's Info at /.dstack/app-info.  A key that cannot be
 * attested is served all the same, which the log and the metrics say.
 *
 * Owns     what it knows of keys; what is being asked.
 * Trusts   the agent's socket.
 * Thread   its loop's; the agent is asked on a thread of its own, for some seconds.
 * Wire     dstack's GetQuote, Attest and Info.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

struct gateway;
struct proof;

enum { PROOF_LOOK_MS = 500, PROOF_AGAIN_S = 30, PROOF_INFO_S = 600 };

/* After gateway_start().  Nothing without an agent and a folder state: *@ret is NULL, and the log says why. */
void proof_start(struct proof **ret, uv_loop_t *loop, struct gateway *g);

/* Has the key with this SHA-256 been attested since the start? */
bool proof_has(const struct proof *p, const uint8_t key_sha256[static 32]);

/* Frees itself when the loop has let go of it.  NULL is nothing. */
void proof_stop(struct proof *p);
