/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_api: who may call the API, from where, and how
 *
 * Invariant An address that others can reach has authentication, and TLS unless the operator said that it
 *	     needs none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/conf.h"

struct config;
struct err;

enum { CONFIG_USERS_MAX = 64, CONFIG_LISTEN_MAX = 8, CONFIG_HOSTS_MAX = 16 };

struct config_listen {
	const char *address; /* "127.0.0.1:9080" */
	bool is_loopback;
};

struct config_api {
	struct config_listen listen[CONFIG_LISTEN_MAX];
	size_t n_listen;
	uint32_t readers[CONFIG_USERS_MAX]; /* uids that may call what changes nothing */
	size_t n_readers;
	const char *hosts[CONFIG_HOSTS_MAX];
	size_t n_hosts;
	const char *tokens_file, *htpasswd_file, *tls_cert, *tls_key; /* NULL: not given */
	bool htpasswd_reads, insecure_loopback, insecure_plaintext, discovery;
};

extern const struct conf_key config_api_keys[];

/* Fill in c->api and c->users from the loaded document. */
int config_read_api(struct config *c, const char *file, struct err *e);
