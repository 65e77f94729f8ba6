/* SPDX-License-Identifier: Apache-2.0 */
/* config_registration: the keys registration and wireguard */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "base/str.h"
#include "data/json.h"
#include "gateway/config.h"
#include "gateway/config_check.h"
#include "gateway/registry.h"
#include "tee/tcb.h"

enum { BITS_MIN = 8, BITS_MAX = 30, BITS = 32, INTERFACE_MAX = 15 };

#define DAY ((uint64_t)24 * 3600 * 1000)

#define PATH(key, text, like)                                                                      \
	{                                                                                          \
		.name = (key), .type = CONF_STRING, .min = 2, .max = 1024,                         \
		.check = config_check_absolute, .doc = (text), .example = (like)                   \
	}

static int check_status(const char *text, struct err *e)
{
	enum tcb_status s = tcb_status_of(text);

	if (s != TCB_NONE && s != TCB_REVOKED)
		return 0;
	return err_set(e, ERR_INPUT,
		       "\"%s\" is no status that can be accepted; write SWHardeningNeeded", text);
}

static const struct conf_key attested_keys[] = {
	{ .name = "root",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 1024,
	  .check = config_check_absolute,
	  .doc = "PEM file of the root that the quote's chain leads to; the default is Intel's, "
		 "another is for development.",
	  .example = "/etc/bailey-gateway/simulator.pem" },
	PATH("collateral",
	     "File of what is published of such platforms, as bailey collateral fetch writes it; "
	     "read again when it changes.",
	     "/var/lib/bailey-gateway/collateral.json"),
	{ .name = NULL },
};

const struct conf_key gw_registration_keys[] = {
	{ .name = "listen",
	  .type = CONF_STRING,
	  .min = 1,
	  .max = 64,
	  .required = true,
	  .check = config_check_endpoint,
	  .doc = "Where guests come to, by HTTPS.",
	  .example = "0.0.0.0:8000" },
	PATH("certificate",
	     "PEM file of the service's certificate, which a KMS gave, and its chain; it and the "
	     "next "
	     "two are read again when they change.  Without the three the agent gives all.",
	     "/run/bailey-gateway/rpc.pem"),
	PATH("key", "PEM file of its private key.", "/run/bailey-gateway/rpc.key"),
	PATH("client_ca",
	     "PEM file of the KMS's root certificate: who registers shows one that leads to it.",
	     "/run/bailey-gateway/kms-root.pem"),
	{ .name = "names",
	  .type = CONF_STRINGS,
	  .min = 1,
	  .max = 253,
	  .most = GW_NAMES_MAX,
	  .check = config_check_name,
	  .doc = "Host names and addresses by which guests and operators reach us: of the "
		 "certificate that the agent gives.",
	  .example = "[10.0.2.2, 127.0.0.1]" },
	PATH("state", "Folder in which registrations last; the default is the folder state.",
	     "/var/lib/bailey-gateway"),
	{ .name = "url",
	  .type = CONF_STRING,
	  .min = 1,
	  .max = 200,
	  .check = config_check_url,
	  .doc = "Where guests find this service, which they are told.",
	  .example = "https://gateway.example.com:8000" },
	{ .name = "external_port",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = UINT16_MAX,
	  .otherwise = "443",
	  .doc = "The port that clients come to, which guests are told." },
	{ .name = "agent_port",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = UINT16_MAX,
	  .otherwise = "8090",
	  .doc = "The port of the agent in a guest, which is asked for the port policy of who "
		 "registered without." },
	{ .name = "instances",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = REGISTRY_MAX,
	  .otherwise = "65536",
	  .doc = "How many may be registered." },
	{ .name = "per_app",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = REGISTRY_MAX,
	  .otherwise = "1024",
	  .doc = "How many of one app." },
	{ .name = "forget",
	  .type = CONF_DURATION,
	  .min = 1000,
	  .max = 365 * DAY,
	  .otherwise = "10h",
	  .doc = "An instance that has not registered again for so long loses its address." },
	{ .name = "attested",
	  .type = CONF_MAPS,
	  .keys = attested_keys,
	  .most = GW_ATTESTED_MAX,
	  .doc = "Whose quotes are believed: then who shows a certificate with an attestation is "
		 "what that says; the "
		 "default is nobody's, and app info is needed.",
	  .example = "[{ collateral: /var/lib/bailey-gateway/collateral.json }]" },
	{ .name = "attested_accept",
	  .type = CONF_STRINGS,
	  .min = 1,
	  .max = 64,
	  .most = 16,
	  .check = check_status,
	  .doc = "TCB statuses that are accepted besides UpToDate.",
	  .example = "[SWHardeningNeeded]" },
	{ .name = "client_rate",
	  .type = CONF_UINT,
	  .max = 1000000,
	  .otherwise = "50",
	  .doc = "Requests a second from one address; 0: no limit." },
	{ .name = NULL },
};

const struct conf_key gw_wireguard_keys[] = {
	{ .name = "interface",
	  .type = CONF_STRING,
	  .min = 1,
	  .max = INTERFACE_MAX,
	  .check = config_check_interface,
	  .doc = "The interface, which is made with our address if there is none; the default is "
		 "none, and no peer is set (for tests).",
	  .example = "wg0" },
	PATH("private_key",
	     "File of our key as wg genkey writes it, for nobody else to read; made if it is "
	     "missing.  "
	     "The default is wg.key in the folder of registration.state.",
	     "/var/lib/bailey-gateway/wg.key"),
	{ .name = "endpoint",
	  .type = CONF_STRING,
	  .min = 3,
	  .max = 255,
	  .required = true,
	  .check = config_check_peer_endpoint,
	  .doc = "Where guests reach it: a host, a colon, a port.",
	  .example = "10.0.2.2:51820" },
	{ .name = "port",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = UINT16_MAX,
	  .otherwise = "51820",
	  .doc = "The UDP port that it listens on." },
	{ .name = "address",
	  .type = CONF_STRING,
	  .min = 9,
	  .max = 18,
	  .otherwise = "10.8.0.1/16",
	  .check = config_check_network,
	  .doc = "Our address in the network, and the network's bits." },
	{ .name = "range",
	  .type = CONF_STRING,
	  .min = 9,
	  .max = 18,
	  .check = config_check_network,
	  .doc = "The part of the network that instances get addresses of; the default is all of "
		 "it.",
	  .example = "10.8.128.0/17" },
	{ .name = "silence",
	  .type = CONF_DURATION,
	  .min = 1000,
	  .max = 365 * DAY,
	  .otherwise = "3m",
	  .doc = "An instance whose tunnel had no handshake for so long gets a client of its app "
		 "only if no other "
		 "can." },
	{ .name = "program",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 1024,
	  .otherwise = "/usr/bin/wg",
	  .check = config_check_absolute,
	  .doc = "The program that sets peers." },
	{ .name = NULL },
};

int config_check_interface(const char *text, struct err *e)
{
	if (strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
		    strlen(text) &&
	    text[0] != '-')
		return 0;
	return err_set(e, ERR_INPUT, "\"%s\" is not an interface's name; write wg0", text);
}

int config_check_name(const char *text, struct err *e)
{
	if (strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-") ==
		    strlen(text) &&
	    text[0] != '-' && text[0] != '.')
		return 0;
	return err_set(e, ERR_INPUT, "\"%s\" is neither a host's name nor an address", text);
}

int config_check_peer_endpoint(const char *text, struct err *e)
{
	const char *colon = strrchr(text, ':');
	uint32_t port;

	if (colon && colon != text && num_parse_u32(colon + 1, 1, UINT16_MAX, &port) == 0 &&
	    strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-:[]") == strlen(text))
		return 0;
	return err_set(e, ERR_INPUT, "\"%s\" is not a host and a port; write 192.0.2.1:51820",
		       text);
}

int config_check_url(const char *text, struct err *e)
{
	if (!*text || str_starts(text, "https://"))
		return 0;
	return err_set(e, ERR_INPUT, "\"%s\" does not begin with https://", text);
}

/* Return: the address, and the first and last of its network. */
static int read_range(const char *text, uint32_t *ret, uint32_t *first, uint32_t *last)
{
	struct gw_network n;
	uint32_t address, rest;

	if (config_read_network(text, &n, NULL) < 0 || n.is_v6 || n.bits < BITS_MIN ||
	    n.bits > BITS_MAX)
		return -EINVAL;
	memcpy(&address, n.address, sizeof(address));
	rest = UINT32_MAX >> n.bits;
	*ret = ntohl(address);
	*first = (*ret & ~rest) + 1;
	*last = (*ret | rest) - 1;
	return 0;
}

static int read_network(struct gw_registration *r, const json_t *w, const struct conf_place *at)
{
	const char *range = json_get_opt(w, "range");
	uint32_t first, last, any;

	r->network_text = json_get_str(w, "address", "");
	if (read_range(r->network_text, &r->own, &first, &last) < 0 || r->own < first ||
	    r->own > last) {
		return conf_wrong(at, "wireguard.address",
				  "\"%s\" is not an IPv4 host's with 8 to 30 bits; write "
				  "10.8.0.1/16",
				  r->network_text);
	}
	r->first = first;
	r->last = last;
	if (range && (read_range(range, &any, &r->first, &r->last) < 0 || r->first < first ||
		      r->last > last)) {
		return conf_wrong(at, "wireguard.range",
				  "\"%s\" is not a part of %s with 8 to 30 bits", range,
				  r->network_text);
	}
	return 0;
}

/* All three files, or none and who gives them. */
static int read_identity(struct gw_config *c, const json_t *o, const struct conf_place *at)
{
	const json_t *names = json_object_get(o, "names");
	struct gw_registration *r = &c->registration;
	size_t i;

	r->certificate = json_get_opt(o, "certificate");
	r->key = json_get_opt(o, "key");
	r->client_ca = json_get_opt(o, "client_ca");
	for (i = 0; i < json_array_size(names) && i < GW_NAMES_MAX; i++)
		r->names[r->n_names++] = json_string_value(json_array_get(names, i));
	if (r->certificate && r->key && r->client_ca)
		return 0;
	if (r->certificate || r->key || r->client_ca) {
		return conf_wrong(at, "registration",
				  "certificate, key and client_ca need each other: write all "
				  "three, or none and have the agent give them");
	}
	if (!c->agent || r->n_names == 0) {
		return conf_wrong(at, "registration",
				  "without certificate, key and client_ca a guest's agent gives "
				  "them: write agent, and the names that they are for");
	}
	return 0;
}

static void read_attested(struct gw_registration *r, const json_t *o)
{
	const json_t *list = json_object_get(o, "attested"),
		     *accept = json_object_get(o, "attested_accept");
	size_t i;

	for (i = 0; i < json_array_size(list) && i < GW_ATTESTED_MAX; i++) {
		const json_t *one = json_array_get(list, i);

		r->attested[r->n_attested++] =
			(struct gw_attested){ json_get_opt(one, "root"),
					      json_get_str(one, "collateral", "") };
	}
	r->attested_accept = 1U << TCB_UP_TO_DATE;
	for (i = 0; i < json_array_size(accept); i++)
		r->attested_accept |=
			1U << tcb_status_of(json_string_value(json_array_get(accept, i)));
}

int config_read_registration(struct gw_config *c, const char *file, struct err *e)
{
	const json_t *o = json_object_get(c->doc, "registration"),
		     *w = json_object_get(c->doc, "wireguard");
	const struct conf_place at = { .loaded = c->doc, .file = file, .e = e };
	struct gw_registration *r = &c->registration;
	int rc;

	r->listen = json_get_opt(o, "listen");
	r->endpoint = json_get_opt(w, "endpoint");
	if (!r->listen != !r->endpoint)
		return conf_wrong(&at, r->listen ? "registration" : "wireguard",
				  "registration and wireguard need each other: write both");
	if (!r->listen)
		return 0;
	r->state = json_get_opt(o, "state");
	if (!r->state)
		r->state = c->state;
	if (!r->state) {
		return conf_wrong(&at, "registration",
				  "registrations last in a folder: write state");
	}
	r->private_key = json_get_opt(w, "private_key");
	if (!r->private_key) {
		if (str_format(c->wg_key, sizeof(c->wg_key), "%s/wg.key", r->state) < 0)
			return conf_wrong(&at, "state", "the path is too long");
		r->private_key = c->wg_key;
	}
	r->url = json_get_str(o, "url", "");
	r->external_port = (uint16_t)json_get_u64(o, "external_port", 0);
	read_attested(r, o);
	r->agent_port = (uint16_t)json_get_u64(o, "agent_port", 0);
	r->most = (uint32_t)json_get_u64(o, "instances", 0);
	r->most_per_app = (uint32_t)json_get_u64(o, "per_app", 0);
	r->ip_rate = (uint32_t)json_get_u64(o, "client_rate", 0);
	r->forget_ms = json_get_u64(o, "forget", 0);
	r->interface = json_get_opt(w, "interface");
	r->program = json_get_opt(w, "program");
	r->silence_ms = json_get_u64(w, "silence", 0);
	r->port = (uint16_t)json_get_u64(w, "port", 0);
	rc = read_identity(c, o, &at);
	return rc ? rc : read_network(r, w, &at);
}
