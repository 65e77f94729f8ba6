/* SPDX-License-Identifier: Apache-2.0 */
/* service: the calls of KMS, by name */
#pragma once

#include "kms/job.h"

struct rpc_service;
struct tls_peer;

/* What the handlers' context is; borrowed until rpc_http_handle() returns. */
struct service_ctx {
	struct jobs *jobs;
	const struct tls_peer *peer;
};

extern const struct rpc_service service_kms;
