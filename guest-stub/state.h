/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state: what PID 1 found out, as a file for the agent
 *
 * The agent trusts it: only root in this guest can write it.
 */
#pragma once

#include <jansson.h>

#include "tee/tee.h"

struct app_compose;
struct err;
struct measure_identity;

/* All borrowed. */
struct state {
	const struct measure_identity *id;
	enum tee_kind tee;
	const struct app_compose *app;
	const char *vm_config;
	const char *gateway_app_id; /* as the KMS told it; NULL or "": none */
};

/* Write <dir>/guest.json. */
int state_write(const char *dir, const struct state *s, struct err *e);

/* Read it; the caller owns the object: app_name, app_id, instance_id, compose_hash (hex), tee, vm_config,
 * public_logs, public_sysinfo, public_tcbinfo, gateway_app_id. */
int state_read(const char *dir, json_t **ret, struct err *e);
