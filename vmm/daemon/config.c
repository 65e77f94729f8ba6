/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "data/json.h"
#include "store/registry.h"

struct reader {
	struct config *c;
	struct conf_place at;
};

static const json_t *map(const struct config *c, const char *key)
{
	return json_object_get(c->doc, key);
}

static unsigned int number(const json_t *o, const char *key)
{
	return (unsigned int)json_get_u64(o, key, 0);
}

/* The index of the value in @values: the table made sure that it is one of them. */
static int choice(const json_t *o, const char *key, const char *const *values)
{
	const char *s = json_get_str(o, key, values[0]);
	int i;

	for (i = 0; values[i]; i++) {
		if (str_equal(s, values[i]))
			return i;
	}
	return 0;
}

static char *home_path(const char *variable, const char *below_home, const char *name)
{
	const char *dir = getenv(variable), *home = getenv("HOME");

	if (dir && *dir == '/')
		return xasprintf("%s/%s", dir, name);
	if (home && *home == '/')
		return xasprintf("%s/%s/%s", home, below_home, name);
	return xasprintf("/tmp/%s-%u", name, (unsigned int)geteuid());
}

static int read_paths(const struct reader *r)
{
	struct config *c = r->c;
	const char *state = json_get_opt(c->doc, "state"), *run = json_get_opt(c->doc, "run");
	const char *socket = json_get_opt(map(c, "api"), "socket");
	bool is_root = geteuid() == 0;

	if (state)
		c->state = xstrdup(state);
	else
		c->state = is_root ? xstrdup("/var/lib/bailey")
				   : home_path("XDG_STATE_HOME", ".local/state", "bailey");
	if (run)
		c->run = xstrdup(run);
	else
		c->run = is_root ? xstrdup("/run/bailey")
				 : home_path("XDG_RUNTIME_DIR", ".cache", "bailey");
	if (strlen(c->run) > CONFIG_RUN_MAX) {
		return conf_wrong(
			&r->at, "run",
			"\"%s\" is too long for the path of a socket; choose one of at most "
			"%d bytes",
			c->run, CONFIG_RUN_MAX);
	}
	c->host_registry = json_get_str(c->doc, "host_registry", "/run/bailey-host");
	c->api_socket = socket ? xstrdup(socket) : xasprintf("%s/baileyd.sock", c->run);
	return 0;
}

static int read_api(const struct reader *r)
{
	return config_read_api(r->c, r->at.file, r->at.e);
}

/* A group that holds that user alone is tighter than its primary one, which may be shared (kvm). */
static gid_t group_of(const struct passwd *pw)
{
	const struct group *gr = getgrnam(pw->pw_name);

	return gr ? gr->gr_gid : pw->pw_gid;
}

static int read_qemu(const struct reader *r)
{
	static const char *const accels[] = { "auto", "tcg", NULL };
	const json_t *q = map(r->c, "qemu");
	const char *user = json_get_opt(q, "user"), *uri;
	const struct passwd *pw = NULL;

	r->c->qemu_path = json_get_opt(q, "path");
	r->c->accel = choice(q, "accel", accels) ? CONFIG_ACCEL_TCG : CONFIG_ACCEL_AUTO;
	r->c->qemu_gid = (gid_t)-1;
	if (user || geteuid() == 0)
		pw = getpwnam(user ? user : "libvirt-qemu");
	if (user && !pw)
		return conf_wrong(&r->at, "qemu.user", "there is no user \"%s\" on this host",
				  user);
	if (pw && pw->pw_uid != geteuid()) {
		r->c->qemu_user = xstrdup(pw->pw_name);
		r->c->qemu_gid = group_of(pw);
	}
	uri = json_get_str(map(r->c, "libvirt"), "uri", "embed");
	if (str_equal(uri, "system"))
		r->c->libvirt_uri = xstrdup("qemu:///system");
	else if (!str_equal(uri, "embed"))
		r->c->libvirt_uri = xstrdup(uri);
	return 0;
}

static int read_vsock(const struct reader *r)
{
	static const char *const carriers[] = { "auto", "kernel", "bailey-vsock", "program", NULL };
	const json_t *v = map(r->c, "vsock");

	r->c->carrier = (enum config_carrier)choice(v, "carrier", carriers);
	r->c->vsock_program = json_get_opt(v, "program");
	r->c->cid_first = number(v, "cid_first");
	r->c->n_cids = number(v, "cids");
	if (r->c->carrier == CONFIG_CARRIER_PROGRAM && !r->c->vsock_program)
		return conf_wrong(&r->at, "vsock.program",
				  "is missing; carrier: program needs its path");
	return 0;
}

static int read_ranges(const struct reader *r)
{
	const json_t *p = map(r->c, "port_mapping"), *list = json_object_get(p, "ranges"), *x;
	struct config_range *range;
	char key[48];
	size_t i;

	r->c->ports_enabled = json_get_bool(p, "enabled", true);
	r->c->ports_address = json_get_str(p, "address", "127.0.0.1");
	for (i = 0; i < json_array_size(list) && i < CONFIG_RANGES_MAX; i++) {
		x = json_array_get(list, i);
		range = &r->c->ranges[r->c->n_ranges++];
		range->is_udp = str_equal(json_get_str(x, "protocol", "tcp"), "udp");
		range->from = (uint16_t)number(x, "from");
		range->to = (uint16_t)number(x, "to");
		(void)str_format(key, sizeof(key), "port_mapping.ranges[%zu].to", i);
		if (range->to < range->from)
			return conf_wrong(&r->at, key, "%u is before from (%u)", range->to,
					  range->from);
	}
	if (!r->c->n_ranges) {
		r->c->ranges[0] = (struct config_range){ .from = 1, .to = UINT16_MAX };
		r->c->ranges[1] =
			(struct config_range){ .is_udp = true, .from = 1, .to = UINT16_MAX };
		r->c->n_ranges = 2;
	}
	return 0;
}

static uint64_t host_memory(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);

	return pages > 0 && size > 0 ? (uint64_t)pages * (uint64_t)size : 0;
}

static int read_limits(const struct reader *r)
{
	const json_t *l = map(r->c, "limits"), *h = map(r->c, "host_api"), *s = map(r->c, "stop");
	struct config *c = r->c;

	c->max_vms = number(l, "vms");
	c->max_vcpu = number(l, "vcpu");
	c->max_memory = json_get_u64(l, "memory", 0);
	c->max_disk = json_get_u64(l, "disk", 0);
	c->max_body = json_get_u64(l, "body", 0);
	c->total_vcpu = number(l, "vcpu_total");
	c->total_memory = json_get_u64(l, "memory_total", host_memory());
	c->total_disk = json_get_u64(l, "disk_total", 0);
	c->disk_free = json_get_u64(l, "disk_free", 0);
	c->max_log = json_get_u64(l, "log", 0);
	c->host_api_rate = number(h, "rate");
	c->host_api_burst = number(h, "burst");
	c->host_api_conns = number(h, "connections");
	c->guest_timeout_ms = number(s, "guest");
	c->stop_timeout_ms = number(s, "kill");
	c->stop_graceful_ms = number(s, "graceful");
	c->stop_firm_ms = number(s, "firm");
	c->stop_patience.per_vcpu_ms = number(s, "per_vcpu");
	c->stop_patience.per_gib_ms = number(s, "per_gib");
	c->host_down_asks = str_equal(json_get_str(s, "host", "ask"), "ask");
	c->host_down_ms = number(s, "host_timeout");
	c->events_max = number(c->doc, "events_max");
	c->unique_names = json_get_bool(c->doc, "unique_names", true);
	if (c->max_vms > c->n_cids)
		return conf_wrong(&r->at, "limits.vms",
				  "%u VMs need as many CIDs; vsock.cids is %u", c->max_vms,
				  c->n_cids);
	return 0;
}

static int read_registry(const struct reader *r)
{
	const json_t *m = map(r->c, "registry");
	const char *url = json_get_opt(m, "url");
	struct config *c = r->c;

	c->registry = url ? registry_repo_of(url) : NULL;
	c->registry_auth_file = json_get_opt(m, "auth_file");
	c->registry_insecure = json_get_bool(m, "insecure", false);
	c->registry_max_size = json_get_u64(m, "max_size", 0);
	c->registry_timeout_ms = number(m, "timeout");
	if (c->registry_insecure && url && !registry_repo_is_loopback(c->registry)) {
		return conf_wrong(
			&r->at, "registry.insecure",
			"%.100s is not on this host, and what it sends could be anyone's; "
			"give it a "
			"certificate",
			c->registry);
	}
	return 0;
}

static int read_restart(const struct reader *r)
{
	const json_t *s = map(r->c, "restart");
	struct restart_policy *p = &r->c->restart;

	p->is_enabled = json_get_bool(s, "enabled", true);
	p->first_ms = number(s, "first");
	p->most_ms = number(s, "longest");
	p->retries = number(s, "retries");
	p->healthy_ms = number(s, "healthy");
	if (p->most_ms < p->first_ms)
		return conf_wrong(&r->at, "restart.longest", "is shorter than restart.first");
	return 0;
}

static int read_gpu(const struct reader *r)
{
	const json_t *g = map(r->c, "gpu");
	struct config *c = r->c;

	c->gpu_enabled = json_get_bool(g, "enabled", false);
	c->gpu_allow_all = json_get_bool(g, "allow_attach_all", false);
	c->gpu_listing = json_object_get(g, "listing");
	c->gpu_include = json_object_get(g, "include");
	c->gpu_exclude = json_object_get(g, "exclude");
	return 0;
}

static void read_urls(const struct config *c, const char *key, struct config_urls *ret)
{
	const json_t *list = map(c, key);
	size_t i;

	for (i = 0; i < json_array_size(list) && i < CONFIG_URLS_MAX; i++)
		ret->items[ret->n++] = json_string_value(json_array_get(list, i));
}

static int read_rest(const struct reader *r)
{
	static const char *const levels[] = { "error", "warn", "info", "debug", NULL };
	static const enum log_level level[] = { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO,
						LOG_LEVEL_DEBUG };
	static const char *const shares[] = { "disk", "9p", NULL };
	const json_t *g = map(r->c, "gateway"), *k = map(r->c, "key_provider");
	const json_t *t = map(r->c, "tee_simulator");
	struct config *c = r->c;

	c->name = json_get_str(c->doc, "name", "");
	c->log = level[choice(c->doc, "log", levels)];
	c->share = choice(map(c, "share"), "mode", shares) ? CONFIG_SHARE_9P : CONFIG_SHARE_DISK;
	c->key_provider_enabled = json_get_bool(k, "enabled", false);
	c->key_provider_address = json_get_str(k, "address", "");
	c->gateway_domain = json_get_str(g, "base_domain", "");
	c->has_gateway_domain = conf_line(c->doc, "gateway.base_domain") > 0;
	c->gateway_port = (uint16_t)number(g, "port");
	c->gateway_agent_port = (uint16_t)number(g, "agent_port");
	c->pccs_url = json_get_str(c->doc, "pccs_url", "");
	c->docker_registry = json_get_str(c->doc, "docker_registry", "");
	c->qgs_port = (uint16_t)number(c->doc, "qgs_port");
	c->simulator_seed = json_get_opt(t, "seed");
	c->simulator_collateral = json_get_opt(t, "collateral_url");
	read_urls(c, "kms_urls", &c->kms_urls);
	read_urls(c, "gateway_urls", &c->gateway_urls);
	return 0;
}

int config_parse(const char *text, size_t n, const char *file, struct config **ret, struct err *e)
{
	static int (*const parts[])(const struct reader *) = {
		read_paths,  read_api,	    read_qemu, read_vsock,   read_ranges,
		read_limits, read_registry, read_gpu,  read_restart, read_rest,
	};
	struct config *c = xnew(struct config);
	struct reader r = { c, { NULL, file, e } };
	int rc = conf_load(config_table, text, n, file, &c->doc, e);
	size_t i;

	r.at.loaded = c->doc;
	for (i = 0; !rc && i < sizeof(parts) / sizeof(*parts); i++)
		rc = parts[i](&r);
	if (rc) {
		config_free(c);
		return rc;
	}
	*ret = c;
	return 0;
}

int config_load(const char *path, struct config **ret, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(0);
	int rc;

	if (!path)
		return config_parse("", 0, "(defaults)", ret, e);
	rc = file_read(AT_FDCWD, path, CONF_FILE_MAX, &b, e);
	if (!rc)
		rc = config_parse((const char *)b.p, b.n, path, ret, e);
	if (!rc)
		(*ret)->file = path;
	return rc;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	json_decref(c->doc);
	free(c->state);
	free(c->run);
	free(c->api_socket);
	free(c->libvirt_uri);
	free(c->qemu_user);
	free(c);
}

/* A time is read as "7000ms", not as the number that it became. */
static void write_time(const char *path, const struct conf_key *k, void *arg)
{
	json_t *map = arg;
	const char *dot = strchr(path, '.');
	char parent[64], text[32];

	if (k->type != CONF_DURATION)
		return;
	if (dot && str_format(parent, sizeof(parent), "%.*s", (int)(dot - path), path) > 0)
		map = json_object_get(map, parent);
	(void)str_format(text, sizeof(text), "%llums",
			 (unsigned long long)json_get_u64(map, k->name, 0));
	(void)json_object_set_new(map, k->name, json_string(text));
}

void config_print(const struct config *c, struct buf *ret)
{
	json_t *doc = json_deep_copy(c->doc);
	auto_free char *text = NULL;

	conf_forget_lines(doc);
	/* What was computed, where the file left it out.  JSON is YAML, and is what conf_load() reads. */
	(void)json_object_set_new(doc, "state", json_string(c->state));
	(void)json_object_set_new(doc, "run", json_string(c->run));
	(void)json_object_set_new(json_object_get(doc, "api"), "socket",
				  json_string(c->api_socket));
	conf_each(config_table, write_time, doc);
	text = json_pretty(doc);
	json_decref(doc);
	(void)buf_addf(ret, "%s\n", text);
}
