/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy: will this guest run this app?
 *
 * A pure function: what the app requires, against what the guest is.  Two kinds of no: the app's own
 * requirements do not hold here, or this guest does not know how to do what the app wants; in both cases the
 * guest stops before anything is measured, rather than run something else than was asked for.
 */
#pragma once

#include <stddef.h>

struct app_compose;
struct err;

/* What the guest is.  All borrowed. */
struct policy_guest {
	const char *os_version; /* VERSION_ID */
	const char *platform;	/* "dstack-tdx"; "" without a TEE */
	const void *user_config;
	size_t n_user_config;
	unsigned int n_gpus;
};

/* Return: 0, or ERR_INPUT. */
int policy_check(const struct app_compose *c, const struct policy_guest *g, struct err *e);
