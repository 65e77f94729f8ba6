/* SPDX-License-Identifier: Apache-2.0 */
/* manifest_write: struct manifest as vm-manifest.json, in dstack's key order */
#include "store/manifest.h"

#include "base/mem.h"

static void put(json_t *o, const char *key, json_t *value)
{
	if (json_object_set_new(o, key, value) < 0)
		abort();
}

static void put_str(json_t *o, const char *key, const char *s)
{
	put(o, key, json_string(s ? s : ""));
}

static void append(json_t *list, json_t *value)
{
	if (json_array_append_new(list, value) < 0)
		abort();
}

static json_t *list_json(const struct manifest_list *l, const char *member)
{
	json_t *list = json_array(), *o;
	size_t i;

	for (i = 0; i < l->n; i++) {
		if (member) {
			o = json_object();
			put_str(o, member, l->items[i]);
			append(list, o);
		} else {
			append(list, json_string(l->items[i]));
		}
	}
	return list;
}

static json_t *ports_json(const struct manifest *m)
{
	json_t *list = json_array(), *o;
	size_t i;

	for (i = 0; i < m->n_ports; i++) {
		o = json_object();
		put_str(o, "address", m->ports[i].address);
		put_str(o, "protocol", m->ports[i].is_udp ? "udp" : "tcp");
		put(o, "from", json_integer(m->ports[i].from));
		put(o, "to", json_integer(m->ports[i].to));
		append(list, o);
	}
	return list;
}

static json_t *network_json(const struct manifest_network *n)
{
	json_t *o = json_object();

	put_str(o, "mode", n->mode);
	put_str(o, "bridge", n->bridge);
	put_str(o, "mac_prefix", n->mac_prefix);
	put_str(o, "net", n->net);
	put_str(o, "dhcp_start", n->dhcp_start);
	put(o, "restrict", json_boolean(n->restricted));
	put_str(o, "netdev", n->netdev);
	return o;
}

static json_t *gpus_json(const struct manifest *m)
{
	json_t *o = json_object();

	put_str(o, "attach_mode", m->gpu_attach_mode ? m->gpu_attach_mode : "listed");
	put(o, "gpus", list_json(&m->gpus, "slot"));
	put(o, "bridges", list_json(&m->gpu_bridges, "slot"));
	return o;
}

static void put_gateway(json_t *o, const struct manifest_gateway *g)
{
	json_t *j = json_object();

	put_str(j, "domain", g->domain);
	put(j, "port", json_integer(g->port));
	put_str(j, "url", g->url);
	put_str(j, "admin", g->admin);
	put(o, "gateway_service", j);
}

static void put_networks(json_t *o, const struct manifest *m)
{
	json_t *list;
	size_t i;

	if (!m->n_networks)
		return;
	list = json_array();
	for (i = 0; i < m->n_networks; i++)
		append(list, network_json(&m->networks[i]));
	put(o, "networks", list);
	put(o, "networking", network_json(&m->networks[0]));
}

json_t *manifest_to_json(const struct manifest *m)
{
	json_t *o = json_object();

	put_str(o, "id", m->id);
	put_str(o, "name", m->name);
	put_str(o, "app_id", m->app_id);
	put(o, "vcpu", json_integer(m->vcpu));
	put(o, "memory", json_integer(m->memory));
	put(o, "disk_size", json_integer(m->disk_size));
	put_str(o, "image", m->image);
	put(o, "port_map", ports_json(m));
	put(o, "created_at_ms", json_integer((json_int_t)m->created_at_ms));
	put(o, "hugepages", json_boolean(m->hugepages));
	put(o, "pin_numa", json_boolean(m->pin_numa));
	put(o, "gpus", gpus_json(m));
	put(o, "kms_urls", list_json(&m->kms_urls, NULL));
	put(o, "gateway_urls", list_json(&m->gateway_urls, NULL));
	put(o, "no_tee", json_boolean(m->no_tee));
	put(o, "swtpm", json_boolean(m->swtpm));
	if (m->simulated_tee)
		put_str(o, "simulated_tee", m->simulated_tee);
	put_networks(o, m);
	put(o, "volumes", list_json(&m->volumes, "source"));
	if (m->since_boot)
		put(o, "since_boot", json_integer((json_int_t)m->since_boot));
	if (m->gateway)
		put_gateway(o, m->gateway);
	if (m->unknown && json_object_update_missing(o, m->unknown) < 0)
		abort();
	return o;
}
