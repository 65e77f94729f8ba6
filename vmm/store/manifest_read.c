/* SPDX-License-Identifier: Apache-2.0 */
/* manifest_read: each key of vm-manifest.json, checked, into struct manifest */
#include "store/manifest.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/gateway_place.h"
#include "data/json.h"

static const char file_name[] = "vm-manifest.json";

/* Every key that manifest_to_json() may write: what remains is kept as unknown. */
static const char *const known_keys[] = {
	"id",
	"name",
	"app_id",
	"vcpu",
	"memory",
	"disk_size",
	"image",
	"port_map",
	"created_at_ms",
	"hugepages",
	"pin_numa",
	"gpus",
	"kms_urls",
	"gateway_urls",
	"no_tee",
	"swtpm",
	"simulated_tee",
	"networks",
	"volumes",
	"networking",
	"since_boot",
	"gateway_service",
};

static int wrong(struct err *e, const char *key, const char *what)
{
	return err_set(e, ERR_INPUT, "%s: %s: %s", file_name, key, what);
}

static int read_str(const json_t *j, const char *key, bool required, char **ret, struct err *e)
{
	const json_t *v = json_object_get(j, key);

	if ((!v || json_is_null(v)) && !required)
		return 0;
	if (!json_is_string(v))
		return wrong(e, key, v ? "must be a string" : "is missing");
	free(*ret);
	*ret = xstrdup(json_string_value(v));
	return 0;
}

static int read_num(const json_t *j, const char *key, uint64_t max, uint64_t *ret, struct err *e)
{
	const json_t *v = json_object_get(j, key);

	if (!json_is_integer(v))
		return wrong(e, key, v ? "must be an integer" : "is missing");
	if (json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) > max)
		return wrong(e, key, "is out of range");
	*ret = (uint64_t)json_integer_value(v);
	return 0;
}

static int read_u32(const json_t *j, const char *key, uint32_t *ret, struct err *e)
{
	uint64_t v = 0;
	int rc = read_num(j, key, UINT32_MAX, &v, e);

	if (!rc)
		*ret = (uint32_t)v;
	return rc;
}

static int read_bool(const json_t *j, const char *key, bool *ret, struct err *e)
{
	const json_t *v = json_object_get(j, key);

	if (v && !json_is_boolean(v))
		return wrong(e, key, "must be true or false");
	*ret = json_is_true(v);
	return 0;
}

/* An absent or null array is empty. */
static int check_array(const json_t *v, const char *key, size_t max, struct err *e)
{
	if (v && !json_is_null(v) && !json_is_array(v))
		return wrong(e, key, "must be an array");
	if (json_array_size(v) > max)
		return err_set(e, ERR_LIMIT, "%s: %s: more than %zu entries", file_name, key, max);
	return 0;
}

/* @member NULL: the entries are strings; else objects with a string of that name. */
static int read_list(const json_t *j, const char *key, const char *member,
		     struct manifest_list *ret, struct err *e)
{
	const json_t *list = json_object_get(j, key), *v;
	size_t i;
	int rc = check_array(list, key, MANIFEST_LIST_MAX, e);

	if (rc)
		return rc;
	for (i = 0; i < json_array_size(list); i++) {
		v = json_array_get(list, i);
		if (member)
			v = json_object_get(v, member);
		if (!json_is_string(v))
			return wrong(e, key, "must hold strings");
		rc = manifest_list_add(ret, json_string_value(v), e);
		if (rc)
			return rc;
	}
	return 0;
}

static int read_port(const json_t *j, struct manifest_port *p, struct err *e)
{
	const char *protocol = json_get_str(j, "protocol", "");
	uint64_t from = 0, to = 0;
	int rc = read_num(j, "from", UINT16_MAX, &from, e);

	if (!rc)
		rc = read_num(j, "to", UINT16_MAX, &to, e);
	if (rc)
		return err_wrap(e, rc, "port_map");
	if (str_copy(p->address, sizeof(p->address), json_get_str(j, "address", "")) < 0)
		return wrong(e, "port_map", "address is too long");
	if (!str_equal(protocol, "tcp") && !str_equal(protocol, "udp"))
		return wrong(e, "port_map", "protocol must be tcp or udp");
	p->is_udp = str_equal(protocol, "udp");
	p->from = (uint16_t)from;
	p->to = (uint16_t)to;
	return 0;
}

static int read_ports(const json_t *j, struct manifest *m, struct err *e)
{
	const json_t *list = json_object_get(j, "port_map");
	size_t i;
	int rc;

	if (!list)
		return wrong(e, "port_map", "is missing");
	rc = check_array(list, "port_map", MANIFEST_PORTS_MAX, e);
	if (rc)
		return rc;
	m->ports = xcalloc(json_array_size(list) + 1, sizeof(*m->ports));
	for (i = 0; i < json_array_size(list); i++) {
		rc = read_port(json_array_get(list, i), &m->ports[i], e);
		if (rc)
			return rc;
		m->n_ports++;
	}
	return 0;
}

static int read_network(const json_t *j, struct manifest_network *n, struct err *e)
{
	n->mode = xstrdup(json_get_str(j, "mode", ""));
	n->bridge = xstrdup(json_get_str(j, "bridge", ""));
	n->mac_prefix = xstrdup(json_get_str(j, "mac_prefix", ""));
	n->net = xstrdup(json_get_str(j, "net", ""));
	n->dhcp_start = xstrdup(json_get_str(j, "dhcp_start", ""));
	n->netdev = xstrdup(json_get_str(j, "netdev", ""));
	n->restricted = json_get_bool(j, "restrict", false);
	if (!*n->mode)
		return wrong(e, "networks", "mode is missing");
	return 0;
}

/* dstack's rollback shim: a lone `networking` stands for a list of one. */
static int read_networks(const json_t *j, struct manifest *m, struct err *e)
{
	const json_t *list = json_object_get(j, "networks"),
		     *one = json_object_get(j, "networking");
	size_t i, n;
	int rc = check_array(list, "networks", MANIFEST_LIST_MAX, e);

	if (rc)
		return rc;
	n = json_array_size(list);
	m->networks = xcalloc(n + 1, sizeof(*m->networks));
	if (!n && json_is_object(one)) {
		m->n_networks = 1;
		return read_network(one, &m->networks[0], e);
	}
	for (i = 0; i < n; i++) {
		m->n_networks++;
		rc = read_network(json_array_get(list, i), &m->networks[i], e);
		if (rc)
			return rc;
	}
	return 0;
}

static int read_gpus(const json_t *j, struct manifest *m, struct err *e)
{
	const json_t *g = json_object_get(j, "gpus");
	int rc;

	m->gpu_attach_mode = xstrdup(json_get_str(g, "attach_mode", "listed"));
	if (!json_is_object(g))
		return g && !json_is_null(g) ? wrong(e, "gpus", "must be an object") : 0;
	rc = read_list(g, "gpus", "slot", &m->gpus, e);
	return rc ? rc : read_list(g, "bridges", "slot", &m->gpu_bridges, e);
}

static int read_gateway(const json_t *j, struct manifest *m, struct err *e)
{
	static const char key[] = "gateway_service";
	const json_t *g = json_object_get(j, key);
	const char *domain = json_get_str(g, "domain", ""), *url = json_get_str(g, "url", "");
	const char *admin = json_get_str(g, "admin", "");
	uint64_t port = 0;
	int rc;

	if (!g)
		return 0;
	if (!json_is_object(g))
		return wrong(e, key, "must be an object");
	rc = read_num(g, "port", UINT16_MAX, &port, e);
	if (!rc && !port)
		rc = wrong(e, key, "port is out of range");
	if (!rc)
		rc = gateway_domain_check(domain, e);
	if (!rc)
		rc = gateway_url_check(url, e);
	if (!rc && *admin)
		rc = gateway_url_check(admin, e);
	if (rc)
		return err_wrap(e, rc, "%s", key);
	manifest_set_gateway(m, domain, (uint16_t)port, url, admin);
	return 0;
}

static int read_identity(const json_t *j, struct manifest *m, struct err *e)
{
	const char *id = json_get_str(j, "id", "");
	int rc;

	if (!vm_id_is_valid(id))
		return wrong(e, "id", "must be 1 to 64 letters, digits, _ or -");
	(void)str_copy(m->id, sizeof(m->id), id);
	rc = read_str(j, "name", true, &m->name, e);
	if (!rc)
		rc = read_str(j, "app_id", true, &m->app_id, e);
	if (!rc)
		rc = read_str(j, "image", true, &m->image, e);
	if (!rc)
		rc = read_num(j, "created_at_ms", INT64_MAX, &m->created_at_ms, e);
	if (!rc && json_object_get(j, "since_boot")) /* ours alone */
		rc = read_num(j, "since_boot", INT64_MAX, &m->since_boot, e);
	return rc;
}

static int read_size(const json_t *j, struct manifest *m, struct err *e)
{
	int rc = read_u32(j, "vcpu", &m->vcpu, e);

	if (!rc)
		rc = read_u32(j, "memory", &m->memory, e);
	if (!rc)
		rc = read_u32(j, "disk_size", &m->disk_size, e);
	return rc;
}

static int read_flags(const json_t *j, struct manifest *m, struct err *e)
{
	int rc = read_bool(j, "hugepages", &m->hugepages, e);

	if (!rc)
		rc = read_bool(j, "pin_numa", &m->pin_numa, e);
	if (!rc)
		rc = read_bool(j, "no_tee", &m->no_tee, e);
	if (!rc)
		rc = read_bool(j, "swtpm", &m->swtpm, e);
	if (!rc)
		rc = read_str(j, "simulated_tee", false, &m->simulated_tee, e);
	return rc;
}

static int read_lists(const json_t *j, struct manifest *m, struct err *e)
{
	int rc = read_list(j, "kms_urls", NULL, &m->kms_urls, e);

	if (!rc)
		rc = read_list(j, "gateway_urls", NULL, &m->gateway_urls, e);
	if (!rc)
		rc = read_list(j, "volumes", "source", &m->volumes, e);
	return rc;
}

static json_t *unknown_of(const json_t *j)
{
	json_t *rest = json_deep_copy(j);
	size_t i;

	for (i = 0; i < sizeof(known_keys) / sizeof(*known_keys); i++)
		(void)json_object_del(rest, known_keys[i]);
	if (json_object_size(rest))
		return rest;
	json_decref(rest);
	return NULL;
}

int manifest_from_json(const json_t *j, struct manifest *ret, struct err *e)
{
	static int (*const parts[])(const json_t *, struct manifest *, struct err *) = {
		read_identity, read_size,     read_flags, read_lists,
		read_ports,    read_networks, read_gpus,  read_gateway,
	};
	auto_manifest struct manifest m = MANIFEST_NULL;
	size_t i;
	int rc;

	if (!json_is_object(j))
		return err_set(e, ERR_INPUT, "%s: must be an object", file_name);
	for (i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		rc = parts[i](j, &m, e);
		if (rc)
			return rc;
	}
	m.unknown = unknown_of(j);
	*ret = m;
	m = MANIFEST_NULL;
	return 0;
}
