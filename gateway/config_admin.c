/* SPDX-License-Identifier: Apache-2.0 */
/* config_admin: the key admin_rpc */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/err.h"
#include "data/json.h"
#include "gateway/config.h"
#include "gateway/config_check.h"
#include "loop/listen.h"

const struct conf_key gw_admin_keys[] = {
	{ .name = "listen",
	  .type = CONF_STRING,
	  .min = 1,
	  .max = 64,
	  .required = true,
	  .check = config_check_endpoint,
	  .doc = "Where operators come to, by HTTPS.",
	  .example = "0.0.0.0:8001" },
	{ .name = "token_file",
	  .type = CONF_STRING,
	  .min = 2,
	  .max = 1024,
	  .check = config_check_absolute,
	  .doc = "File of mode 0600 with the token that each of their calls must bring, of 16 to "
		 "256 "
		 "characters; the default is the environment's ADMIN_API_TOKEN.",
	  .example = "/etc/bailey/gateway.token" },
	{ .name = "tls",
	  .type = CONF_BOOL,
	  .otherwise = "true",
	  .doc = "Is TLS spoken, with the certificate of registration?  Only a loopback address "
		 "may do "
		 "without." },
	{ .name = NULL },
};

static bool is_loopback(const char *text)
{
	struct sockaddr_storage a;

	if (listen_parse_tcp(text, &a, NULL) < 0)
		return false;
	if (a.ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(
			&((const struct sockaddr_in6 *)(const void *)&a)->sin6_addr);
	return ntohl(((const struct sockaddr_in *)(const void *)&a)->sin_addr.s_addr) >> 24 ==
	       IN_LOOPBACKNET;
}

int config_read_admin(struct gw_config *c, const char *file, struct err *e)
{
	const json_t *o = json_object_get(c->doc, "admin_rpc");
	const struct conf_place at = { .loaded = c->doc, .file = file, .e = e };
	struct gw_admin_rpc *a = &c->admin_rpc;

	a->listen = json_get_opt(o, "listen");
	if (!a->listen)
		return 0;
	a->token_file = json_get_opt(o, "token_file");
	a->is_plain = !json_get_bool(o, "tls", true);
	if (a->is_plain && !is_loopback(a->listen)) {
		return conf_wrong(
			&at, "admin_rpc.tls",
			"a token would go over the network in the clear to %s; use TLS, or "
			"listen on 127.0.0.1",
			a->listen);
	}
	if (!a->is_plain && !c->registration.listen) {
		return conf_wrong(&at, "admin_rpc",
				  "its certificate is that of registration: write that, too, or "
				  "listen on 127.0.0.1 with tls: false");
	}
	return 0;
}
