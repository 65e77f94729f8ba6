/* SPDX-License-Identifier: Apache-2.0 */
/* connect: which daemon a command is for */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/host.h"
#include "cli/tunnel.h"

static int by_ssh(struct cli *c, const struct host *h, struct err *e)
{
	int rc = c->args->command->is_local ? 0 : tunnel_open(h, c->socket, e);

	c->api.socket = c->socket;
	c->api.is_remote = true;
	return rc;
}

static int by_address(struct cli *c, const struct host *h, struct err *e)
{
	const char *ca_file = getenv("BAILEY_CA_FILE");
	bool is_v6 = strchr(h->name, ':') != NULL;
	int rc = token_find(h, &c->token, e);

	if (rc < 0)
		return rc;
	(void)str_format(c->url, sizeof(c->url), "http%s://%s%s%s:%u", h->is_tls ? "s" : "",
			 is_v6 ? "[" : "", h->name, is_v6 ? "]" : "", h->port);
	c->api.url = c->url;
	c->api.ca_file = ca_file && *ca_file ? ca_file : NULL;
	c->api.token = *c->token.text ? c->token.text : NULL;
	c->api.is_remote = true;
	if (c->api.token && !h->is_tls && !host_is_loopback(h) && !c->is_quiet) {
		(void)fprintf(stderr,
			      "bailey: the token goes to %s in the clear; use https:// or ssh://\n",
			      h->name);
	}
	return 0;
}

static int by_host(struct cli *c, const char *text, struct err *e)
{
	struct host h;
	int rc = host_parse(text, &h, e);

	if (rc < 0)
		return rc;
	(void)str_copy(c->name, sizeof(c->name), text);
	c->api.name = c->name;
	if (h.kind == HOST_SSH)
		return by_ssh(c, &h, e);
	if (h.kind == HOST_HTTP)
		return by_address(c, &h, e);
	(void)str_copy(c->socket, sizeof(c->socket), h.path);
	c->api.socket = c->socket;
	c->api.name = NULL;
	return 0;
}

/* The command line over the environment, --host beside nothing. */
int cli_connect(struct cli *c, struct err *e)
{
	const char *host = getenv("BAILEY_HOST"), *socket = getenv("BAILEY_SOCKET");

	if (args_has(c->args, OPT_HOST) && args_has(c->args, OPT_SOCKET))
		return err_set(e, ERR_INPUT, "write one of --host and --socket");
	if (args_has(c->args, OPT_SOCKET)) {
		c->api.socket = c->args->options[OPT_SOCKET];
		return 0;
	}
	if (args_has(c->args, OPT_HOST))
		return by_host(c, c->args->options[OPT_HOST], e);
	if (host && *host)
		return by_host(c, host, e);
	c->api.socket = socket && *socket ? socket : api_default_socket(c->socket);
	return 0;
}
