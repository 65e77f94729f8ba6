/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request_keys: `bailey-guest request-keys`: get the app's keys, in the way that the app wants
 *
 * A process of its own, so that PID 1 reads nothing of the network's and the library that does TLS is not in it.  It
 * takes what it needs of the machine (a quote) first, then lets go of its rights, then speaks to others.
 *
 * Owns     its own process: no core dump, no new privileges, nothing swapped out; with a KMS also another user.
 * Limits   REQUEST_KEYS_MS for everything, by a timer that ends the process.
 * Wire     keys_answer.h on fd REQUEST_KEYS_FD.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct app_compose;
struct app_keys_file;
struct err;
struct guest_tee;
struct sys_config;

enum {
	REQUEST_KEYS_FD = 3,
	REQUEST_KEYS_MS = 150000,
	REQUEST_KEYS_USER = 65534, /* nobody */
};

/* All borrowed. */
struct request_keys {
	const struct app_compose *app;
	const struct sys_config *sys;
	const struct guest_tee *tee;
	int log; /* directory of the runtime log */
	unsigned int retry_ms;
	uint64_t deadline; /* of time_mono_ms() */
	bool drops_rights;
};

/**
 * request_keys_get() - the keys
 * @ret_is_ours: of a local key provider that is no enclave
 *
 * Return: 0 and *@ret, for app_keys_file_wipe(); negative, with words for the operator.
 */
int request_keys_get(const struct request_keys *a, struct app_keys_file *ret, bool *ret_is_ours,
		     struct err *e);

/* The process: @folder holds share and log, NULL: where PID 1 has them.  Return: exit status. */
int request_keys_run(const char *folder);
