/* SPDX-License-Identifier: Apache-2.0 */
/* config_table: every key of bailey-gateway's YAML; bailey-gateway(8) says the same */
#include "gateway/config.h"
#include "gateway/config_check.h"

#define HOUR ((uint64_t)3600 * 1000)
#define DAY  (24 * HOUR)

static const struct conf_key domain_keys[] = {
	{ .name = "name",
	  .type = CONF_STRING,
	  .min = 1,
	  .max = 200,
	  .required = true,
	  .check = config_check_domain,
	  .doc = "The domain: apps are one label below it.",
	  .example = "apps.example.com" },
	{ .name = "certificate",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 1024,
	  .check = config_check_absolute,
	  .doc = "PEM file of the certificate, which must be good for *.name, and its chain.  "
		 "Without "
		 "it the domain has one of an authority of our own, for development.",
	  .example = "/etc/bailey/gateway.pem" },
	{ .name = "key",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 1024,
	  .check = config_check_absolute,
	  .doc = "PEM file of its private key (PKCS #8).",
	  .example = "/etc/bailey/gateway.key" },
	{ .name = NULL },
};

static const char *const versions[] = { "1.2", "1.3", NULL };

static const struct conf_key tls_keys[] = {
	{ .name = "min",
	  .type = CONF_ENUM,
	  .values = versions,
	  .otherwise = "\"1.2\"",
	  .doc = "The oldest TLS that is spoken." },
	{ .name = "rotate",
	  .type = CONF_DURATION,
	  .min = 1000,
	  .max = DAY,
	  .otherwise = "6h",
	  .doc = "How long one key seals session tickets; it opens them for two such times more." },
	{ .name = NULL },
};

static const char *const proxy_versions[] = { "v2", "v1", NULL };

static const struct conf_key proxy_keys[] = {
	{ .name = "from",
	  .type = CONF_STRINGS,
	  .max = 64,
	  .most = GW_NETWORKS_MAX,
	  .check = config_check_network,
	  .doc = "Networks whose connections must begin with a PROXY header (load balancers); from "
		 "elsewhere none is believed.",
	  .example = "[10.0.0.0/8]" },
	{ .name = "version",
	  .type = CONF_ENUM,
	  .values = proxy_versions,
	  .otherwise = "v2",
	  .doc = "The header that an app gets which asked for one, if the client sent none." },
	{ .name = NULL },
};

#define LIMIT_MS(key, otherwise_text, most, text)                                                  \
	{                                                                                          \
		.name = (key), .type = CONF_DURATION, .min = 10, .max = (most),                    \
		.otherwise = (otherwise_text), .doc = (text)                                       \
	}

static const struct conf_key timeout_keys[] = {
	LIMIT_MS("proxy_header", "5s", HOUR, "For an awaited PROXY header."),
	LIMIT_MS("hello", "5s", HOUR, "For the whole ClientHello."),
	LIMIT_MS("handshake", "5s", HOUR, "For the TLS handshake after it."),
	LIMIT_MS("dns", "5s", HOUR, "For the TXT records of a custom domain."),
	LIMIT_MS("attempt", "1s", HOUR,
		 "For one instance to take a connection while there are others to try."),
	LIMIT_MS("connect", "5s", HOUR, "For any instance to take it."),
	LIMIT_MS("request", "5s", HOUR,
		 "For a client's request that gets an error page, or a page of the gateway's."),
	LIMIT_MS("idle", "10m", 7 * DAY, "Without a byte either way a connection is closed."),
	LIMIT_MS("shutdown", "2s", HOUR, "For the other side to end its half once all is over."),
	LIMIT_MS("drain", "30s", DAY,
		 "For connections to end by themselves when the gateway is told to end."),
	{ .name = "total",
	  .type = CONF_DURATION,
	  .min = 0,
	  .max = 365 * DAY,
	  .otherwise = "0s",
	  .doc = "The longest life of a connection; 0s: as long as bytes move." },
	{ .name = NULL },
};

static const struct conf_key limit_keys[] = {
	{ .name = "connections",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 10000000,
	  .otherwise = "100000",
	  .doc = "Connections at once, of all clients; further ones are closed at once." },
	{ .name = "half_open",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 1000000,
	  .otherwise = "10000",
	  .doc = "Clients that have not finished their handshake; beyond, the oldest of them is "
		 "closed." },
	{ .name = "per_app",
	  .type = CONF_UINT,
	  .max = 10000000,
	  .otherwise = "2000",
	  .doc = "Connections to all instances of one app; 0: no limit." },
	{ .name = "client_rate",
	  .type = CONF_UINT,
	  .max = 1000000,
	  .otherwise = "0",
	  .doc = "New connections a second from one address (IPv6: from one /64) to each worker; "
		 "0: no limit." },
	{ .name = "client_burst",
	  .type = CONF_UINT,
	  .max = 1000000,
	  .otherwise = "0",
	  .doc = "How many of them may come at once; 0: as many as a second's." },
	{ .name = NULL },
};

static const struct conf_key dns_keys[] = {
	{ .name = "prefix",
	  .type = CONF_STRING,
	  .min = 1,
	  .max = 40,
	  .otherwise = "_dstack-app-address",
	  .check = config_check_prefix,
	  .doc = "The label in front of a custom domain under which its TXT record is." },
	{ .name = "compat",
	  .type = CONF_BOOL,
	  .otherwise = "true",
	  .doc = "Ask for _tapp-address, too?" },
	{ .name = "servers",
	  .type = CONF_STRINGS,
	  .max = 64,
	  .most = GW_DNS_MAX,
	  .check = config_check_endpoint,
	  .doc = "Name servers; the default is those of the system.",
	  .example = "[192.0.2.53:53]" },
	{ .name = NULL },
};

static const struct conf_key access_keys[] = {
	{ .name = "file",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 1024,
	  .check = config_check_absolute,
	  .doc = "Where a JSON line is appended for each connection that ended; the default is "
		 "nowhere.",
	  .example = "/var/log/bailey-gateway.log" },
	{ .name = "sample",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = GW_ACCESS_SAMPLE_MAX,
	  .otherwise = "1",
	  .doc = "One of so many connections is told of; those that failed share one such count of "
		 "their own." },
	{ .name = NULL },
};

static const char *const levels[] = { "error", "warn", "info", "debug", NULL };

const struct conf_key gw_config_table[] = {
	{ .name = "listen",
	  .type = CONF_STRINGS,
	  .max = 64,
	  .most = GW_LISTEN_MAX,
	  .check = config_check_endpoint,
	  .doc = "Where clients come to; the default is every address, port 443.",
	  .example = "[\"0.0.0.0:443\", \"[::]:443\"]" },
	{ .name = "workers",
	  .type = CONF_UINT,
	  .max = GW_WORKERS_MAX,
	  .otherwise = "0",
	  .doc = "Loops, each on a thread of its own; 0: as many as there are processors." },
	{ .name = "domains",
	  .type = CONF_MAPS,
	  .keys = domain_keys,
	  .most = GW_DOMAINS_MAX,
	  .doc = "The domains below which apps are." },
	{ .name = "routes",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 1024,
	  .check = config_check_absolute,
	  .doc = "File of apps that are always there, a line for each instance; it is read again "
		 "when it changes.",
	  .example = "/etc/bailey/routes" },
	{ .name = "tls", .type = CONF_MAP, .keys = tls_keys, .doc = "How TLS is spoken." },
	{ .name = "proxy",
	  .type = CONF_MAP,
	  .keys = proxy_keys,
	  .doc = "The PROXY protocol, in and out." },
	{ .name = "timeouts", .type = CONF_MAP, .keys = timeout_keys, .doc = "How long we wait." },
	{ .name = "limits", .type = CONF_MAP, .keys = limit_keys, .doc = "How much there may be." },
	{ .name = "dns",
	  .type = CONF_MAP,
	  .keys = dns_keys,
	  .doc = "Custom domains, by TXT records." },
	{ .name = "access_log",
	  .type = CONF_MAP,
	  .keys = access_keys,
	  .doc = "Who came, and how it ended." },
	{ .name = "user",
	  .type = CONF_STRING,
	  .min = 1,
	  .max = 64,
	  .doc = "The user to become, if started as root, once everything is open; certificates "
		 "and keys must be readable for it.  The default is to stay who it is.",
	  .example = "bailey-gateway" },
	{ .name = "admin",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 100,
	  .check = config_check_absolute,
	  .doc = "Unix socket of /metrics, /healthz, /readyz and /routes; the default is none.",
	  .example = "/run/bailey-gateway/admin.sock" },
	{ .name = "admin_rpc",
	  .type = CONF_MAP,
	  .keys = gw_admin_keys,
	  .doc = "Where operators see and change things; the default is nowhere." },
	{ .name = "agent",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 100,
	  .check = config_check_absolute,
	  .doc = "Unix socket of the agent of the guest that the gateway runs in, which gives the "
		 "certificate of registration and attests keys; the default is none.",
	  .example = "/var/run/dstack.sock" },
	{ .name = "state",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 1024,
	  .check = config_check_absolute,
	  .doc = "Folder of what must outlast a restart, which is made if it is missing; the "
		 "default is that nothing does.",
	  .example = "/var/lib/bailey-gateway" },
	{ .name = "acme_info",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 1024,
	  .check = config_check_absolute,
	  .doc = "JSON file that is served at gateway.DOMAIN/.dstack/acme-info; the default is "
		 "what "
		 "the agent attested, or an empty answer.",
	  .example = "/run/bailey-gateway/acme-info.json" },
	{ .name = "registration",
	  .type = CONF_MAP,
	  .keys = gw_registration_keys,
	  .doc = "Where instances register; without it none can." },
	{ .name = "wireguard",
	  .type = CONF_MAP,
	  .keys = gw_wireguard_keys,
	  .doc = "The network that registered instances are in." },
	{ .name = "log",
	  .type = CONF_ENUM,
	  .values = levels,
	  .otherwise = "info",
	  .doc = "Which lines are logged." },
	{ .name = NULL },
};
