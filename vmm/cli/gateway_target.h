/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway_target: the gateway that an operator means: where it is, how it is known again, and the token for it
 *
 * By its app's YAML, which has all of it (gateway_service, key_provider_id, env_file), or by the URL of its Admin
 * service with --ca.
 *
 * Owns     all in it; the token is wiped.
 * Trusts   neither the network nor the host: the certificate must lead to the root that the YAML pins, or to --ca, and be
 *          of the gateway's app, before the token is said.
 * Thread   the calls block the caller's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "app/app_yaml.h"
#include "base/buf.h"
#include "cli/token.h"

struct cli;
struct env_file;
struct err;
struct tls_call_answer;

enum {
	GATEWAY_TARGET_URL = 600,
	GATEWAY_TARGET_ROOT = 512, /* bytes of the root's key */
	GATEWAY_TARGET_ID = 20,
	GATEWAY_TARGET_REPLY_MAX = 32 * 1024 * 1024,
	GATEWAY_TARGET_TIMEOUT_MS = 30 * 1000,
};

struct gateway_target {
	struct app app;			/* APP_NULL if it was named by a URL */
	char admin[GATEWAY_TARGET_URL]; /* of its Admin service; "": nowhere */
	char url[GATEWAY_TARGET_URL]; /* where guests register, as this machine has it; "": not known */
	const char *domain;	      /* borrowed from the app; "": not known */
	uint16_t port;		      /* for clients */
	uint8_t root[GATEWAY_TARGET_ROOT];
	size_t n_root; /* 0: by @ca */
	struct buf ca; /* PEM */
	uint8_t id[GATEWAY_TARGET_ID];
	bool has_id;
	bool is_anybody;    /* whoever answers will do: nothing secret is said to it */
	struct token token; /* "": none was found */
};

#define GATEWAY_TARGET_NULL ((struct gateway_target){ .n_root = 0 })

/* Where a gateway's YAML is if nobody says. */
extern const char gateway_target_file[];

/**
 * gateway_target_read() - of the operand, or of gateway.yaml; and --ca, --app-id
 *
 * Return: 0 and *@ret, the caller's; ERR_INPUT with what is missing and where to write it.
 */
int gateway_target_read(const struct cli *c, struct gateway_target *ret, struct err *e);
void gateway_target_deinit(struct gateway_target *t);

/* Of --token-file, BAILEY_GATEWAY_TOKEN, or ADMIN_API_TOKEN of the app's env_file; ERR_INPUT says so if there is none. */
int gateway_target_find_token(const struct cli *c, struct gateway_target *t, struct err *e);

/*
 * GET @base@path, of the gateway's services (admin or url), within @timeout_ms.  Return: 0 and *@ret, the caller's, also for an error
 * status; ERR_UNREACHABLE; ERR_UNPROVEN: it is another who answers.
 */
int gateway_target_get(const struct gateway_target *t, const char *base, const char *path,
		       unsigned int timeout_ms, struct tls_call_answer *ret, struct err *e);

/*
 * A call of its Admin service, with the token.  @params is borrowed; NULL: none.  Return: 0 and *@ret, the caller's; as
 * above; ERR_REFUSED with what it said; ERR_PROTO.
 */
int gateway_target_call(const struct cli *c, const struct gateway_target *t, const char *method,
			const json_t *params, json_t **ret, struct err *e);
