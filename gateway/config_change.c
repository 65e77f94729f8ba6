/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A section that was not there at the start cannot come: nobody listens.  Values are compared as they are written, with
 * defaults filled in.
 */
#include "gateway/config_change.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "gateway/config.h"

enum { PATH_SIZE = 96 };

const char *const config_change_fixed[] = {
	"listen",
	"workers",
	"user",
	"admin",
	"agent",
	"state",
	"dns",
	"admin_rpc.listen",
	"admin_rpc.tls",
	"registration.listen",
	"registration.certificate",
	"registration.key",
	"registration.client_ca",
	"registration.names",
	"registration.state",
	"registration.agent_port",
	"registration.attested",
	"registration.attested_accept",
	"registration.instances",
	"registration.per_app",
	"wireguard.interface",
	"wireguard.private_key",
	"wireguard.endpoint",
	"wireguard.port",
	"wireguard.address",
	"wireguard.range",
	"wireguard.program",
	NULL,
};

const char *const config_change_live[] = {
	"domains",
	"routes",
	"tls",
	"proxy",
	"timeouts",
	"limits",
	"access_log",
	"acme_info",
	"admin_rpc.token_file",
	"registration.url",
	"registration.external_port",
	"registration.forget",
	"registration.client_rate",
	"wireguard.silence",
	"log",
	NULL,
};

void words_deinit(struct words *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		free(w->list[i]);
	free(w->list);
	*w = (struct words){ .n = 0 };
}

void words_add(struct words *w, const char *text)
{
	char **list;
	size_t i;

	for (i = 0; i < w->n; i++) {
		if (str_equal(w->list[i], text))
			return;
	}
	list = reallocarray(w->list, w->n + 1, sizeof(char *));
	if (!list)
		abort(); /* a few dozen */
	w->list = list;
	w->list[w->n++] = xstrdup(text);
}

static bool is_same(const json_t *a, const json_t *b)
{
	return a && b ? json_equal(a, b) == 1 : a == b;
}

/* A key of the table, or one of a map in it. */
static bool is_fixed(const char *path)
{
	size_t i, n;

	for (i = 0; config_change_fixed[i]; i++) {
		n = strlen(config_change_fixed[i]);
		if (strncmp(path, config_change_fixed[i], n) == 0 &&
		    (path[n] == 0 || path[n] == '.'))
			return true;
	}
	return false;
}

struct change {
	const struct gw_config *first, *now, *next;
	struct words *changed, *fixed;
};

static void compare_section(const struct change *c, const struct conf_key *k)
{
	const json_t *was = json_object_get(c->first->doc, k->name);
	const json_t *now = json_object_get(c->now->doc, k->name);
	const json_t *next = json_object_get(c->next->doc, k->name);
	const struct conf_key *sub;
	char path[PATH_SIZE];

	if (!was != !next) {
		words_add(c->fixed, k->name);
		return;
	}
	for (sub = k->keys; sub->name && was; sub++) {
		const json_t *value = json_object_get(next, sub->name);

		(void)str_format(path, sizeof(path), "%s.%s", k->name, sub->name);
		if (is_fixed(path) && !is_same(json_object_get(was, sub->name), value))
			words_add(c->fixed, path);
		if (!is_fixed(path) && !is_same(json_object_get(now, sub->name), value))
			words_add(c->changed, path);
	}
}

static void compare(const struct change *c)
{
	const struct conf_key *k;

	for (k = gw_config_table; k->name; k++) {
		const json_t *next = json_object_get(c->next->doc, k->name);

		if (k->type == CONF_MAP)
			compare_section(c, k);
		else if (is_fixed(k->name) &&
			 !is_same(json_object_get(c->first->doc, k->name), next))
			words_add(c->fixed, k->name);
		else if (!is_fixed(k->name) &&
			 !is_same(json_object_get(c->now->doc, k->name), next))
			words_add(c->changed, k->name);
	}
}

static void carry_registration(const struct gw_config *first, struct gw_config *next)
{
	struct gw_registration new = next->registration;
	struct gw_registration *r = &next->registration;

	*r = first->registration;
	if (!first->registration.listen || !new.listen)
		return;
	r->url = new.url;
	r->external_port = new.external_port;
	r->forget_ms = new.forget_ms;
	r->ip_rate = new.ip_rate;
	r->silence_ms = new.silence_ms;
}

static void carry(const struct gw_config *first, struct gw_config *next)
{
	const char *token_file = next->admin_rpc.token_file;

	memcpy(next->listen, first->listen, sizeof(next->listen));
	next->n_listen = first->n_listen;
	next->workers = first->workers;
	next->user = first->user;
	next->admin = first->admin;
	next->agent = first->agent;
	next->state = first->state;
	next->dns_prefix = first->dns_prefix;
	next->dns_compat = first->dns_compat;
	memcpy(next->dns_servers, first->dns_servers, sizeof(next->dns_servers));
	next->n_dns_servers = first->n_dns_servers;
	carry_registration(first, next);
	next->admin_rpc = first->admin_rpc;
	if (first->admin_rpc.token_file && token_file)
		next->admin_rpc.token_file = token_file;
}

int config_change_take(const struct gw_config *first, const struct gw_config *now,
		       struct gw_config *next, struct words *changed, struct words *fixed,
		       struct err *e)
{
	const struct change c = { first, now, next, changed, fixed };
	size_t i;

	/* certificates of our own lie below it */
	for (i = 0; i < next->n_domains; i++) {
		if (next->domains[i].is_dev &&
		    !(first->state && str_equal(first->state, next->state)))
			return err_set(
				e, ERR_INPUT,
				"%s: state: certificates of our own are in it, so it cannot be "
				"another while we run; start anew",
				next->path);
	}
	compare(&c);
	carry(first, next);
	return 0;
}
