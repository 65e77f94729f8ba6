/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure: who this instance is, and the events that say so before the app runs
 *
 * Wire     dstack's boot: compose hash = SHA-256 of the file; app id = 20 bytes given by the host, else the
 *	    start of the compose hash; instance id = start of SHA-256(seed || app id).
 * Trusts   nothing; an app id of the host's choice is what it is, and is measured.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "crypto/digest.h"

struct err;
struct instance_id;
struct tee;

enum {
	MEASURE_ID_SIZE = 20,
	MEASURE_ID_HEX = 2 * MEASURE_ID_SIZE + 1,
	MEASURE_SCRIPTS_MAX = 5,
};

struct measure_identity {
	struct digest256 compose_hash;
	uint8_t app_id[MEASURE_ID_SIZE];
	uint8_t seed[MEASURE_ID_SIZE];
	uint8_t instance_id[MEASURE_ID_SIZE];
	bool has_instance_id; /* false: the app asked for none */
};

/**
 * measure_identity_of() - identity out of what was read
 * @compose: bytes of app-compose.json
 * @app_id: of .instance_info; of no bytes if the host gave none
 * @seed: of this instance
 * @wants_instance_id: unless the app says no_instance_id
 *
 * Return: 0, or ERR_PROTO for an app id that is not 20 bytes.
 */
int measure_identity_of(const void *compose, size_t n, const struct instance_id *app_id,
			const uint8_t seed[static MEASURE_ID_SIZE], bool wants_instance_id,
			struct measure_identity *ret, struct err *e);

/* What instance.info carries: instance_id_seed, instance_id ("" if none), app_id.  The caller frees. */
char *measure_instance_info(const struct measure_identity *id);

/* SHA-256 of the canonical JSON of requirements.gpu_policy; NULL: of {}. */
struct digest256 measure_gpu_policy(const json_t *policy);

/* What the boot events carry besides the identity. */
struct measure_app {
	const char *init_scripts[MEASURE_SCRIPTS_MAX];
	size_t n_init_scripts;
	const json_t *gpu_policy; /* NULL: none given */
};

/**
 * measure_boot() - events from system-preparing to boot-mr-done, in dstack's order
 * @log_dirfd: directory of the runtime log, whose version is chosen already
 *
 * Return: 0, or what the register or the log says.
 */
int measure_boot(int log_dirfd, const struct tee *t, const struct measure_identity *id,
		 const struct measure_app *app, struct err *e);
