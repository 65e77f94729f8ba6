/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sched.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "gateway/config_check.h"
#include "loop/listen.h"

enum { KEY_SIZE = 40 };

static uint32_t number(const json_t *o, const char *key)
{
	return (uint32_t)json_get_u64(o, key, 0);
}

/* As many as the processors that we may run on. */
static unsigned int default_workers(void)
{
	cpu_set_t set;
	int n;

	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 1;
	n = CPU_COUNT(&set);
	return n < 1 ? 1 : n > GW_WORKERS_MAX ? GW_WORKERS_MAX : (unsigned int)n;
}

static void add_listen(struct gw_config *c, const char *text)
{
	struct gw_address *a = &c->listen[c->n_listen++];

	a->text = text;
	(void)listen_parse_tcp(text, &a->addr, &a->n); /* checked by the table */
}

static void read_listen(struct gw_config *c)
{
	const json_t *list = json_object_get(c->doc, "listen");
	size_t i;

	for (i = 0; i < json_array_size(list) && i < GW_LISTEN_MAX; i++)
		add_listen(c, json_string_value(json_array_get(list, i)));
	if (c->n_listen == 0)
		add_listen(c, "[::]:443");
}

/* Without files they are the development authority's, in a place of its own; @o owns the paths. */
static int find_certificate(struct gw_config *c, struct gw_domain *d, json_t *o,
			    const struct conf_place *at, const char *key)
{
	if (d->certificate && d->key)
		return 0;
	if (d->certificate || d->key)
		return conf_wrong(at, key,
				  "certificate and key need each other: write both, or none for a "
				  "certificate of our own");
	if (!c->state)
		return conf_wrong(
			at, key,
			"without certificate and key its certificate is of our own, which "
			"needs a folder: write state");
	(void)json_object_set_new(o, "certificate",
				  json_sprintf("%s/domains/%s.pem", c->state, d->name));
	(void)json_object_set_new(o, "key", json_sprintf("%s/domains/%s.key", c->state, d->name));
	d->certificate = json_get_opt(o, "certificate");
	d->key = json_get_opt(o, "key");
	d->is_dev = true;
	return 0;
}

static int read_domain(struct gw_config *c, size_t i, json_t *o, const struct conf_place *at)
{
	struct gw_domain *d = &c->domains[i];
	char key[KEY_SIZE];
	size_t j;

	(void)str_format(key, sizeof(key), "domains[%zu].name", i);
	*d = (struct gw_domain){ .name = json_get_opt(o, "name"),
				 .certificate = json_get_opt(o, "certificate"),
				 .key = json_get_opt(o, "key") };
	for (j = 0; j < i; j++) {
		if (str_equal(d->name, c->domains[j].name))
			return conf_wrong(at, key, "\"%s\" is there twice", d->name);
	}
	c->n_domains++;
	return find_certificate(c, d, o, at, key);
}

static int read_domains(struct gw_config *c, struct err *e)
{
	const struct conf_place at = { .loaded = c->doc, .file = c->path, .e = e };
	const json_t *list = json_object_get(c->doc, "domains");
	size_t i;
	int rc = 0;

	for (i = 0; i < json_array_size(list) && i < GW_DOMAINS_MAX && !rc; i++)
		rc = read_domain(c, i, json_array_get(list, i), &at);
	return rc;
}

static void read_timeouts(struct gw_config *c)
{
	const json_t *t = json_object_get(c->doc, "timeouts");

	c->proxy_header_ms = number(t, "proxy_header");
	c->hello_ms = number(t, "hello");
	c->handshake_ms = number(t, "handshake");
	c->dns_ms = number(t, "dns");
	c->attempt_ms = number(t, "attempt");
	c->connect_ms = number(t, "connect");
	c->request_ms = number(t, "request");
	c->idle_ms = number(t, "idle");
	c->shutdown_ms = number(t, "shutdown");
	c->drain_ms = number(t, "drain");
	c->total_ms = json_get_u64(t, "total", 0);
}

static void read_limits(struct gw_config *c)
{
	const json_t *l = json_object_get(c->doc, "limits");

	c->most_conns = number(l, "connections");
	c->most_half_open = number(l, "half_open");
	c->most_per_app = number(l, "per_app");
	c->client_rate = number(l, "client_rate");
	c->client_burst = number(l, "client_burst");
}

static void read_proxy(struct gw_config *c)
{
	const json_t *p = json_object_get(c->doc, "proxy"), *list = json_object_get(p, "from");
	size_t i;

	for (i = 0; i < json_array_size(list) && i < GW_NETWORKS_MAX; i++) {
		(void)config_read_network(json_string_value(json_array_get(list, i)),
					  &c->proxy_from[c->n_proxy_from++],
					  NULL); /* checked by the table */
	}
	c->proxy_version = str_equal(json_get_str(p, "version", "v2"), "v1") ? 1 : 2;
}

static void read_dns(struct gw_config *c)
{
	const json_t *d = json_object_get(c->doc, "dns"), *list = json_object_get(d, "servers");
	size_t i;

	c->dns_prefix = json_get_opt(d, "prefix");
	c->dns_compat = json_get_bool(d, "compat", true);
	for (i = 0; i < json_array_size(list) && i < GW_DNS_MAX; i++)
		c->dns_servers[c->n_dns_servers++] = json_string_value(json_array_get(list, i));
}

static enum log_level level_of(const char *name)
{
	if (str_equal(name, "error"))
		return LOG_LEVEL_ERROR;
	if (str_equal(name, "warn"))
		return LOG_LEVEL_WARN;
	return str_equal(name, "debug") ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO;
}

int gw_config_load(const char *path, struct gw_config **ret, struct err *e)
{
	struct gw_config *c = xnew(struct gw_config);
	const json_t *tls, *access;
	int rc = conf_load_file(gw_config_table, path, &c->doc, e);

	c->refs = 1;
	c->path = xstrdup(path);
	if (!rc) {
		c->agent = json_get_opt(c->doc, "agent");
		c->state = json_get_opt(c->doc, "state");
		rc = read_domains(c, e);
	}
	if (!rc)
		rc = config_read_registration(c, path, e);
	if (!rc)
		rc = config_read_admin(c, path, e);
	if (rc) {
		gw_config_unref(c);
		return rc;
	}
	tls = json_object_get(c->doc, "tls");
	access = json_object_get(c->doc, "access_log");
	read_listen(c);
	read_timeouts(c);
	read_limits(c);
	read_proxy(c);
	read_dns(c);
	c->workers = number(c->doc, "workers");
	if (c->workers == 0)
		c->workers = default_workers();
	c->routes = json_get_opt(c->doc, "routes");
	c->is_13_only = str_equal(json_get_str(tls, "min", "1.2"), "1.3");
	c->rotate_ms = number(tls, "rotate");
	c->access_log = json_get_opt(access, "file");
	c->access_sample = number(access, "sample");
	c->user = json_get_opt(c->doc, "user");
	c->admin = json_get_opt(c->doc, "admin");
	c->acme_info = json_get_opt(c->doc, "acme_info");
	c->log = level_of(json_get_str(c->doc, "log", "info"));
	*ret = c;
	return 0;
}

const struct gw_config *gw_config_ref(const struct gw_config *c)
{
	struct gw_config *own = mem_unconst(c);

	if (own)
		own->refs++;
	return c;
}

void gw_config_unref(const struct gw_config *c)
{
	struct gw_config *own = mem_unconst(c);

	if (!own || --own->refs > 0)
		return;
	json_decref(own->doc);
	free(own->path);
	free(own);
}

bool gw_network_has(const struct gw_network *n, const struct sockaddr *a)
{
	const uint8_t *p;
	size_t whole = n->bits / 8U;
	uint8_t rest = n->bits % 8U;
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (a->sa_family == AF_INET6) {
		p = ((const struct sockaddr_in6 *)(const void *)a)->sin6_addr.s6_addr;
		if (!n->is_v6 && memcmp(p, mapped, sizeof(mapped)) == 0)
			p += sizeof(mapped); /* an IPv4 client of a listener for both */
		else if (!n->is_v6)
			return false;
	} else if (a->sa_family == AF_INET && !n->is_v6) {
		p = (const uint8_t *)&((const struct sockaddr_in *)(const void *)a)->sin_addr;
	} else {
		return false;
	}
	if (memcmp(p, n->address, whole) != 0)
		return false;
	return rest == 0 || ((p[whole] ^ n->address[whole]) & (0xff << (8 - rest)) & 0xff) == 0;
}
