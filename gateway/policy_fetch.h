/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_fetch: asks guests that registered without a port policy for it, over their tunnel
 *
 * Until it is known none of the instance's ports is open.  Who cannot be reached is asked again, later each time; whose
 * answer is wrong is not, until it registers another app-compose or says its ports itself.
 *
 * Owns     the askings that are under way, each on a thread of its own: the pool has other work.
 * Trusts   nothing of an answer but what info_policy.h binds to the certificate.
 * Limits   POLICY_FETCH_MOST at once, POLICY_FETCH_PER_APP of one app, so that no app keeps the others from it;
 *	    POLICY_FETCH_MS and INFO_POLICY_MAX bytes each; POLICY_FETCH_TRIES until it registers again.
 * Thread   the loop's.
 * Wire     POST http://ADDRESS:PORT/prpc/Info?json, as dstack's guest agent answers it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "gateway/routes.h"

struct policy_fetch;
struct registry;
struct registry_instance;

enum {
	POLICY_FETCH_MOST = 8,
	POLICY_FETCH_PER_APP = 2,
	POLICY_FETCH_MS = 8000,
	POLICY_FETCH_TRIES = 6,
	POLICY_FETCH_FIRST_MS = 1000, /* the wait after the first failure; it doubles */
	POLICY_FETCH_WAIT_MAX_MS = 30 * 1000,
};

struct policy_fetch_options {
	uv_loop_t *loop;
	struct registry *registry; /* borrowed; its instances' fetch members are ours */
	uint16_t port;		   /* of the agent */
	/* @in is what is registered with its policy now known; to be written down and made. */
	void (*on_policy)(const struct registry_instance *in, void *arg);
	void *arg;
};

void policy_fetch_start(struct policy_fetch **ret, const struct policy_fetch_options *o);

/* Now and then: asks who is due. */
void policy_fetch_tick(struct policy_fetch *f);

/* No callback comes after; what is under way ends by itself, and the memory is gone after it.  NULL is allowed. */
void policy_fetch_stop(struct policy_fetch *f);
