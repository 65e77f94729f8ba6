/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: what bailey-gateway's YAML says, checked, and never changed once it is in use
 *
 * Owns     its strings and lists.
 * Thread   any may look at it; references are counted on the control thread alone.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <jansson.h>

#include "base/log.h"
#include "data/conf.h"

struct err;

enum {
	GW_LISTEN_MAX = 16,
	GW_DOMAINS_MAX = 64,
	GW_NETWORKS_MAX = 32,
	GW_DNS_MAX = 4,
	GW_WORKERS_MAX = 64,
	GW_NAMES_MAX = 16,
	GW_ACCESS_SAMPLE_MAX = 1000000,
	GW_ATTESTED_MAX = 4,
};

struct gw_address {
	struct sockaddr_storage addr;
	socklen_t n;
	const char *text;
};

struct gw_network {
	bool is_v6;
	uint8_t address[16];
	uint8_t bits;
};

struct gw_domain {
	const char *name; /* lower case */
	const char *certificate, *key;
	bool is_dev; /* of the development authority, which writes them */
};

/* Whose quotes are believed. */
struct gw_attested {
	const char *root, *collateral; /* files; root NULL: Intel's */
};

/* How instances register, and the network that they are in. */
struct gw_registration {
	const char *listen;			   /* NULL: they do not */
	const char *certificate, *key, *client_ca; /* NULL: the agent gives them, for @names */
	const char *names[GW_NAMES_MAX];
	size_t n_names;
	const char *state, *url;
	uint16_t external_port, agent_port;
	uint32_t most, most_per_app, ip_rate;
	uint64_t forget_ms, silence_ms;
	struct gw_attested attested[GW_ATTESTED_MAX];
	size_t n_attested;	  /* 0: no attestation is verified */
	uint32_t attested_accept; /* 1 << enum tcb_status of each */
	const char *interface;	  /* NULL: no peer is set */
	const char *private_key, *endpoint, *program;
	const char *network_text; /* our address and the bits of its network */
	uint16_t port;
	uint32_t own, first, last; /* addresses, host order; first to last are given out */
};

/* Where operators come to. */
struct gw_admin_rpc {
	const char *listen;	/* NULL: nowhere */
	const char *token_file; /* NULL: the token is of the environment */
	bool is_plain;		/* without TLS */
};

struct gw_config {
	unsigned int refs;
	char *path;  /* of the file */
	json_t *doc; /* owns the strings below */
	struct gw_address listen[GW_LISTEN_MAX];
	size_t n_listen;
	unsigned int workers; /* never 0 */
	struct gw_domain domains[GW_DOMAINS_MAX];
	size_t n_domains;
	const char *routes; /* NULL: none */
	bool is_13_only;
	uint32_t rotate_ms;

	struct gw_network proxy_from[GW_NETWORKS_MAX]; /* who must say a PROXY header first */
	size_t n_proxy_from;
	uint8_t proxy_version; /* of the header that apps get whose client sent none */

	/* in ms; 0: no limit */
	uint32_t proxy_header_ms, hello_ms, handshake_ms, dns_ms, attempt_ms, connect_ms,
		request_ms, idle_ms, shutdown_ms, drain_ms;
	uint64_t total_ms;

	uint32_t most_conns, most_half_open, most_per_app; /* 0: no limit */
	uint32_t client_rate, client_burst;

	const char *dns_prefix;
	bool dns_compat;
	const char *dns_servers[GW_DNS_MAX];
	size_t n_dns_servers;

	const char *access_log; /* NULL: none */
	uint32_t access_sample; /* one of so many */
	const char *user;	/* to become, if we are root; NULL: nobody else */
	const char *admin;	/* path of the socket; NULL: none */
	const char *agent;	/* path of the guest's agent's socket; NULL: we are in no guest */
	const char *state;	/* folder of what lasts; NULL: nothing does */
	const char *acme_info;	/* a file; NULL: none */
	enum log_level log;
	struct gw_registration registration;
	char wg_key[1040]; /* the default of registration.private_key */
	struct gw_admin_rpc admin_rpc;
};

/* The table of the document: what may be in it, with defaults and meaning. */
extern const struct conf_key gw_config_table[];

extern const struct conf_key gw_registration_keys[], gw_wireguard_keys[], gw_admin_keys[];

/* Return: 0 and a config of one reference; ERR_INPUT with file, line and key; a negative errno: it cannot be read. */
int gw_config_load(const char *path, struct gw_config **ret, struct err *e);

/* One more reference; one less, of which the last frees it.  NULL is allowed. */
const struct gw_config *gw_config_ref(const struct gw_config *c);
void gw_config_unref(const struct gw_config *c);

/* Is the address in the network? */
bool gw_network_has(const struct gw_network *n, const struct sockaddr *a);
