/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: what an app asks of its guest, or why this guest will not run it
 *
 * Owns     the parsed app-compose.json; texts are borrowed from it.
 * Trusts   nothing: the file is the host's until its hash is measured.  What this guest cannot do is refused
 *	    with a reason, not left out in silence.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct err;

enum { PLAN_INIT_SCRIPTS_MAX = 5 };

enum plan_runner {
	PLAN_RUNNER_NONE,
	PLAN_RUNNER_BASH,
	PLAN_RUNNER_COUNT,
};

struct plan {
	json_t *doc;
	const char *name;
	enum plan_runner runner;
	const char *main, *pre_launch; /* NULL: none */
	const char *init_scripts[PLAN_INIT_SCRIPTS_MAX];
	size_t n_init_scripts;
	unsigned int event_version;
	bool no_instance_id, wants_gateway, wants_secure_time;
	bool public_logs, public_sysinfo, public_tcbinfo;
	const json_t *gpu_policy; /* of requirements; NULL: none */
};

void plan_deinit(struct plan *p);

/* Return: 0; ERR_PROTO where the file is not what the format says; ERR_INPUT where it is, but this guest
 * does not run it. */
int plan_parse(const void *text, size_t n, struct plan *ret, struct err *e);
