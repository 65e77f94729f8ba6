/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job: one call, worked on by a thread and answered on the loop
 *
 * Owns     copies of what came in, and what is to go out until it is wiped.
 * Limits   `limits.requests` at once, a quarter of them of callers that nobody verified; more are refused.
 * Thread   begun and answered on the loop's; in between a worker's alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "kms/certs.h"
#include "kms/grant.h"
#include "kms/webhook.h"
#include "tee/app_keys.h"

struct job;
struct kms;
struct rpc_call;
struct tls_peer;

enum { JOB_FROM_SIZE = 64, JOB_HASH_SIZE = 32 };

struct job_kind {
	const char *name;
	bool is_attested;			  /* counted in metrics, audited */
	int (*run)(struct job *j, struct err *e); /* on a worker */
	void (*reply)(struct job *j);		  /* on the loop, if run gave 0: rpc_reply() */
};

struct jobs {
	struct kms *kms;
	uv_loop_t *loop;
	unsigned int max, n, n_open; /* n_open: of callers that are not attested */
};

struct job {
	const struct job_kind *kind;
	struct jobs *jobs;
	struct rpc_call *call;
	char from[JOB_FROM_SIZE];
	struct buf cert; /* the client's, DER */
	/* what was asked */
	uint32_t api_version;
	char *vm_config;
	uint8_t app_id[APP_KEYS_ID];
	struct buf csr, signature;
	/* what came of it */
	struct err e;
	int rc;
	struct app_keys keys;
	struct grant grant;
	uint8_t os_image_hash[JOB_HASH_SIZE];
	uint8_t env_public[X25519_PUBLIC];
	uint64_t seconds;
	uint8_t signatures[2][K256_RECOVERABLE];
	char *chain[CERTS_CHAIN];
	struct webhook_info info;
	bool is_webhook;
};

/* NULL: there are too many, and the call was answered so.  @peer is copied. */
struct job *job_new(struct jobs *jobs, const struct job_kind *kind, struct rpc_call *call,
		    const struct tls_peer *peer);

/* From here on the job frees itself. */
void job_start(struct job *j);
