/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tee_simulator: .tee-simulator.json of the shared folder, as the guest of a simulated TEE reads it
 *
 * The host wrote it: whatever is measured of it, quotes made with it prove nothing.
 *
 * Owns     the struct owns everything in it; texts are borrowed from @doc, which it owns.
 * Wire     dstack's keys platform, mock_attestation_seed (64 hex), collateral_base_url, mr_config, vm_config, and
 *	    ours: "bailey": {"mrtd": hex, "mrconfigid": hex, "events": [{"imr": 0..2, "event_type": number,
 *	    "digest": hex, "event": "name"}]}, what a TD of this machine would have measured before its kernel.
 *	    All of "bailey" may be absent.  Other keys are not looked at: dstack has some for other platforms.
 * Limits   TEE_SIMULATOR_MAX bytes, TEE_SIMULATOR_EVENTS_MAX events.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

struct err;

enum {
	TEE_SIMULATOR_MAX = 256 * 1024,
	TEE_SIMULATOR_EVENTS_MAX = 128,
	TEE_SIMULATOR_NAME_MAX = 255,
	TEE_SIMULATOR_SEED_SIZE = 32,
	TEE_SIMULATOR_DIGEST_SIZE = 48,
};

struct tee_simulator_event {
	unsigned int imr; /* 0 to 2 */
	uint32_t type;
	uint8_t digest[TEE_SIMULATOR_DIGEST_SIZE];
	const char *name; /* "" if none; at most TEE_SIMULATOR_NAME_MAX bytes */
};

struct tee_simulator {
	json_t *doc;
	bool has_seed; /* without one there are no quotes */
	uint8_t seed[TEE_SIMULATOR_SEED_SIZE];
	const char *collateral_url; /* NULL: none */
	uint8_t mrtd[TEE_SIMULATOR_DIGEST_SIZE],
		mr_config_id[TEE_SIMULATOR_DIGEST_SIZE]; /* or zeros */
	struct tee_simulator_event events[TEE_SIMULATOR_EVENTS_MAX];
	size_t n_events;
};

/* Return: 0 and a struct for tee_simulator_free(); ERR_INPUT, also for a platform that is not dstack-tdx; ERR_LIMIT. */
int tee_simulator_parse(const void *p, size_t n, struct tee_simulator **ret, struct err *e);
void tee_simulator_free(struct tee_simulator *s);
