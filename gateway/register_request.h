/* SPDX-License-Identifier: Apache-2.0 */
/*
 * register_request: from a RegisterCvm and the certificate that came with it to what the registry is asked for
 *
 * Pure.
 * Trusts   the certificate: its chain was verified.  Of the message nothing: it can say a key, ports and readiness, and
 *	    not who it is of.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/registry.h"
#include "proto/gateway.pb-c.h"
#include "tee/app_info.h"

struct err;

/* Lower-case hex of what a certificate says; "" where it says nothing. */
struct register_asker {
	char id[2 * APP_INFO_ID_MAX + 1], app_id[2 * APP_INFO_ID_MAX + 1];
	char compose_hash[2 * APP_INFO_DIGEST_MAX + 1];
	bool has_info;	      /* the above are of its app info */
	bool has_attestation; /* it has one, which register_attested.h can verify */
};

/* @cert: DER of @n bytes; 0: none was shown.  Return: 0; ERR_INPUT: nothing in it says who it is of, or not one thing. */
int register_asker_read(const void *cert, size_t n, struct register_asker *ret, struct err *e);

/* Its ports are 1 to 65535, ROUTES_PORTS_MAX at most.  Return: 0, ERR_INPUT, ERR_LIMIT. */
int register_read_policy(const Bailey__Gateway__PortPolicy *p, struct route_policy *ret,
			 struct err *e);

struct register_time {
	uint64_t s, ms; /* since 1970; of the loop's clock */
};

/* What the request would lead to, as registry_plan(): nothing is changed. */
int register_request_plan(const struct registry *r, const struct register_asker *a,
			  const Bailey__Gateway__RegisterCvmRequest *m,
			  const struct register_time *now, struct registry_instance *ret,
			  enum registry_change *ret_change, struct err *e);
