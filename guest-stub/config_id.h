/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_id: is this guest the one that its TD was started for
 *
 * MRCONFIGID was fixed by the host before anything ran, and is in each quote: a guest that it does not fit would
 * vouch for another app than the one it runs.  All zeros bind nothing and are accepted, as dstack does.
 *
 * Wire     tee/mr_config.h; the document of version 3: app_id, compose_hash, instance_id, key_provider (each may be
 *	    absent but the second), gpu_policy_hash, init_script_hashes, key_provider_id, version.  No other.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "crypto/digest.h"
#include "data/app_compose.h"

struct err;
struct measure_app;
struct measure_identity;

/* All borrowed. */
struct config_id_args {
	const struct digest384 *id;
	const char *document; /* of .sys-config.json; NULL: none */
	const struct measure_identity *identity;
	const struct measure_app *app;
	enum app_key_provider provider;
	const void
		*provider_id; /* of the one that gave the keys, or that the app pins; n 0: none */
	size_t n_provider_id;
	bool is_provider_known; /* false: which it is will turn out, and what depends on it is not looked at */
};

/* Return: 0, or ERR_PROTO saying what differs. */
int config_id_check(const struct config_id_args *a, struct err *e);
