/* SPDX-License-Identifier: Apache-2.0 */
/*
 * info_policy: the port policy in what a guest's agent answers to Info, for guests that registered without one
 *
 * What binds it: the answer comes over the instance's tunnel from its agent's port, but whoever got hold of that port in
 * the guest could answer in its own favour.  So nothing is believed but the app-compose in it, and that only because
 * its SHA-256 is the compose hash that the KMS wrote into the certificate which the instance registered with.
 *
 * Pure.
 * Limits   INFO_POLICY_MAX bytes; those of lib/data/json.h and app_compose.h; ROUTES_PORTS_MAX ports.
 * Wire     JSON: tcb_info, a text that is JSON: app_compose, a text that is JSON: port_policy.
 */
#pragma once

#include <stddef.h>

struct err;
struct route_policy;

enum { INFO_POLICY_MAX = 4 * 1024 * 1024 };

/*
 * @compose_hash: 64 lower-case hex digits.
 * Return: 0 and *@ret, which is known; ERR_INPUT, ERR_LIMIT with what is wrong: it will be wrong the next time, too.
 */
int info_policy_read(const void *p, size_t n, const char *compose_hash, struct route_policy *ret,
		     struct err *e);
