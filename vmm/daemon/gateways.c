/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/gateways.h"

#include <string.h>

#include <jansson.h>

#include "base/num.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/scratch.h"
#include "daemon/vm.h"
#include "data/gateway_place.h"
#include "data/json.h"
#include "data/sys_config.h"

/* Below which domain, at which port. */
struct site {
	const char *domain;
	uint16_t port;
};

struct sites {
	struct site list[GATEWAYS_ADDRESSES_MAX];
	size_t n;
};

const struct manifest_gateway *gateways_next(const struct daemon *d, const struct vm **at)
{
	const struct vm *vm = *at ? (*at)->next : d->fleet.first;

	for (; vm; vm = vm->next) {
		*at = vm;
		if (vm->manifest.gateway && !vm->is_removing && !vm->is_hidden && !vm->unusable)
			return vm->manifest.gateway;
	}
	return NULL;
}

static const struct manifest_gateway *by_url(const struct daemon *d, const char *url)
{
	const struct manifest_gateway *g;
	const struct vm *at = NULL;

	while ((g = gateways_next(d, &at))) {
		if (str_equal(g->url, url))
			return g;
	}
	return NULL;
}

/* What is there already, or is too much, is left out. */
static void add_url(struct manifest_list *l, const char *url)
{
	if (l->n < SYS_CONFIG_URLS_MAX && !manifest_list_has(l, url))
		(void)manifest_list_add(l, url, NULL);
}

void gateways_urls(const struct vm *vm, struct manifest_list *ret)
{
	const struct config *c = vm->d->config;
	const struct manifest_list *own = &vm->manifest.gateway_urls;
	const struct manifest_gateway *g;
	const struct vm *at = NULL;
	size_t i;

	if (vm->manifest.gateway)
		return;
	for (i = 0; i < own->n; i++)
		add_url(ret, own->items[i]);
	for (i = 0; i < c->gateway_urls.n && !own->n; i++)
		add_url(ret, c->gateway_urls.items[i]);
	while (vm->gateway.is_wanted && (g = gateways_next(vm->d, &at)))
		add_url(ret, g->url);
}

static void add_site(struct sites *s, const char *domain, uint16_t port)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (str_equal(s->list[i].domain, domain) && s->list[i].port == port)
			return;
	}
	if (s->n < GATEWAYS_ADDRESSES_MAX)
		s->list[s->n++] = (struct site){ .domain = domain, .port = port };
}

/* In the order in which its guest tries them. */
static void find_sites(const struct vm *vm, struct sites *ret)
{
	const struct config *c = vm->d->config;
	const struct manifest_list *own = &vm->manifest.gateway_urls;
	const struct manifest_gateway *g;
	const struct vm *at = NULL;
	size_t i;

	for (i = 0; i < own->n; i++) {
		g = by_url(vm->d, own->items[i]);
		if (g)
			add_site(ret, g->domain, g->port);
	}
	if (!own->n && c->has_gateway_domain)
		add_site(ret, c->gateway_domain, c->gateway_port);
	while ((g = gateways_next(vm->d, &at)))
		add_site(ret, g->domain, g->port);
}

char **gateways_addresses(const struct vm *vm, struct scratch *s, size_t *ret_n)
{
	char text[GATEWAY_ADDRESS_SIZE], **list;
	struct sites sites = { .n = 0 };
	size_t i, k, n = 0;

	*ret_n = 0;
	if (!vm->gateway.is_wanted || vm->manifest.gateway)
		return NULL;
	find_sites(vm, &sites);
	list = scratch_list(s, GATEWAYS_ADDRESSES_MAX);
	for (i = 0; i < sites.n; i++) {
		for (k = 0; k < vm->gateway.n_ports && n < GATEWAYS_ADDRESSES_MAX; k++) {
			if (gateway_address(vm->manifest.app_id, vm->gateway.ports[k],
					    sites.list[i].domain, sites.list[i].port, text,
					    sizeof(text)) > 0)
				list[n++] = scratch_str(s, text);
		}
	}
	*ret_n = n;
	return list;
}

/* The host of a URL stands for the domain, as dstack has it. */
static struct site site_of_url(const char *url, struct scratch *s)
{
	const char *rest = strstr(url, "://");
	char *host = scratch_str(s, rest ? rest + 3 : url), *colon;
	uint32_t port = GATEWAY_CLIENT_PORT;

	host[strcspn(host, "/?#")] = 0;
	colon = strrchr(host, ':');
	if (colon && !num_parse_u32(colon + 1, 1, UINT16_MAX, &port))
		*colon = 0;
	return (struct site){ .domain = host, .port = (uint16_t)port };
}

/* The VM's first gateway URL knows the domain best; then baileyd.yaml, if it names one; then the first gateway. */
static struct site site_of(const struct vm *vm, struct scratch *s)
{
	const struct manifest_list *own = &vm->manifest.gateway_urls;
	const struct config *c = vm->d->config;
	const struct manifest_gateway *g = NULL;
	const struct vm *at = NULL;

	if (own->n)
		g = by_url(vm->d, own->items[0]);
	else if (!c->has_gateway_domain)
		g = gateways_next(vm->d, &at);
	if (g)
		return (struct site){ .domain = g->domain, .port = g->port };
	if (own->n)
		return site_of_url(own->items[0], s);
	return (struct site){ .domain = c->gateway_domain, .port = c->gateway_port };
}

char *gateways_agent_url(const struct vm *vm, struct scratch *s)
{
	struct site at;

	if (!vm->gateway.is_wanted || !*vm->instance_id)
		return NULL;
	at = site_of(vm, s);
	if (at.port == GATEWAY_CLIENT_PORT)
		return scratch_printf(s, "https://%s-%u.%s", vm->instance_id,
				      vm->d->config->gateway_agent_port, at.domain);
	return scratch_printf(s, "https://%s-%u.%s:%u", vm->instance_id,
			      vm->d->config->gateway_agent_port, at.domain, at.port);
}

bool gateways_lacks(const struct vm *vm)
{
	struct manifest_list now = { .n = 0 };
	bool lacks;
	size_t i;

	if (!vm->is_running || !vm->gateway.is_wanted)
		return false;
	gateways_urls(vm, &now);
	lacks = now.n > 0;
	for (i = 0; i < now.n && lacks; i++)
		lacks = !manifest_list_has(&vm->started_gateways, now.items[i]);
	manifest_list_deinit(&now);
	return lacks;
}

void gateways_load(struct vm *vm)
{
	const json_t *urls;
	json_t *j = NULL;
	const char *url;
	size_t i;

	compose_gateway_of(vm->dirfd, &vm->gateway);
	manifest_list_deinit(&vm->started_gateways);
	if (!vm->gateway.is_wanted ||
	    json_read_file(vm->dirfd, "shared/.sys-config.json", SYS_CONFIG_MAX, &j, NULL))
		return;
	urls = json_object_get(j, "gateway_urls");
	for (i = 0; i < json_array_size(urls); i++) {
		url = json_string_value(json_array_get(urls, i));
		if (url)
			add_url(&vm->started_gateways, url);
	}
	json_decref(j);
}
