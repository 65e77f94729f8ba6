/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/validate.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/fleet.h"
#include "daemon/gpus.h"
#include "daemon/limits.h"
#include "daemon/ports.h"
#include "daemon/validate_parts.h"
#include "data/app_compose.h"
#include "store/image.h"
#include "store/manifest.h"

typedef Bailey__Vmm__VmConfiguration configuration;

/* NEW_VM_BYTES: the files of a VM before its first start, and the disk with its shared folder. */
enum { APP_ID_BYTES = 20, NEW_VM_BYTES = 1024 * 1024 };

/* A value of the caller's, fit to be part of a message. */
static const char *shown(char *ret, size_t size, const char *s)
{
	return str_escape(ret, size, s, strlen(s));
}

static int check_name(const char *name, struct err *e)
{
	static const char allowed[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		"-_. @~!$^();";
	char text[128];

	if (strlen(name) > VALIDATE_NAME_MAX)
		return err_set(e, ERR_INPUT, "Invalid name: longer than %d characters",
			       VALIDATE_NAME_MAX);
	if (name[strspn(name, allowed)]) {
		return err_set(
			e, ERR_INPUT,
			"Invalid name: %s; use letters, digits, space and - _ . @ ~ ! $ ^ ( ) ;",
			shown(text, sizeof(text), name));
	}
	return 0;
}

static int check_compose(const configuration *c, struct app_compose **ret, struct err *e)
{
	int rc = app_compose_parse(c->compose_file, strlen(c->compose_file), ret, e);

	return rc ? err_wrap(e, rc, "invalid app compose") : 0;
}

int validate_compose(const configuration *c, struct err *e)
{
	struct app_compose *compose = NULL;
	int rc = check_name(c->name, e);

	if (!rc)
		rc = check_compose(c, &compose, e);
	app_compose_free(compose);
	return rc;
}

static int read_port(const struct daemon *d, const Bailey__Vmm__PortMapping *p,
		     struct manifest_port *ret, struct err *e)
{
	const char *address = *p->host_address ? p->host_address : d->config->ports_address;
	char text[128];
	uint8_t raw[16];

	if (p->host_port < 1 || p->host_port > UINT16_MAX)
		return err_set(e, ERR_INPUT, "Invalid host port: %u; write 1 to 65535",
			       p->host_port);
	if (p->vm_port < 1 || p->vm_port > UINT16_MAX)
		return err_set(e, ERR_INPUT, "Invalid vm port: %u; write 1 to 65535", p->vm_port);
	if (!str_equal(p->protocol, "tcp") && !str_equal(p->protocol, "udp")) {
		return err_set(e, ERR_INPUT,
			       "Invalid protocol: Invalid protocol: %s; write tcp or udp",
			       shown(text, sizeof(text), p->protocol));
	}
	if (inet_pton(AF_INET, address, raw) != 1 && inet_pton(AF_INET6, address, raw) != 1)
		return err_set(e, ERR_INPUT, "Invalid host address: %s; write an IP address",
			       shown(text, sizeof(text), address));
	if (str_copy(ret->address, sizeof(ret->address), address) < 0)
		return err_set(e, ERR_INPUT, "Invalid host address: too long");
	ret->is_udp = str_equal(p->protocol, "udp");
	ret->from = (uint16_t)p->host_port;
	ret->to = (uint16_t)p->vm_port;
	return ports_allowed(d->config, ret, e);
}

int validate_ports(const struct daemon *d, const configuration *c, struct manifest *m,
		   struct err *e)
{
	size_t i;
	int rc;

	if (c->n_ports && !d->config->ports_enabled)
		return err_set(e, ERR_INPUT, "Port mapping is disabled");
	if (c->n_ports > MANIFEST_PORTS_MAX)
		return err_set(e, ERR_LIMIT, "%zu port mappings, at most %d", c->n_ports,
			       MANIFEST_PORTS_MAX);
	m->ports = xcalloc(c->n_ports + 1, sizeof(*m->ports));
	for (i = 0; i < c->n_ports; i++) {
		rc = read_port(d, c->ports[i], &m->ports[i], e);
		if (rc)
			return rc;
		m->n_ports++;
	}
	return ports_distinct(m, e);
}

static int read_app_id(const configuration *c, struct manifest *m, struct err *e)
{
	char hex[2 * sizeof(struct digest256) + 1], text[128];
	const char *given = c->app_id;
	uint8_t raw[APP_ID_BYTES];
	struct digest256 hash;

	if (c->has_app_id_case != BAILEY__VMM__VM_CONFIGURATION__HAS_APP_ID_APP_ID) {
		hash = digest256_bytes(c->compose_file, strlen(c->compose_file));
		str_hex(hex, hash.b, APP_ID_BYTES);
		m->app_id = xstrdup(hex);
		return 0;
	}
	while (str_starts(given, "0x") || str_starts(given, "0X"))
		given += 2;
	if (str_unhex(raw, sizeof(raw), given))
		return err_set(e, ERR_INPUT, "Invalid app id: %s; write 40 hex digits",
			       shown(text, sizeof(text), c->app_id));
	str_hex(hex, raw, sizeof(raw));
	m->app_id = xstrdup(hex);
	return 0;
}

static int check_network(const Bailey__Vmm__NetworkingConfig *n, bool is_listed, struct err *e)
{
	char text[64];

	if (!*n->mode && *n->bridge_name)
		return err_set(e, ERR_INPUT, "networking mode is required when bridge is set");
	if (!*n->mode && is_listed)
		return err_set(e, ERR_INPUT, "networking mode is required");
	if (!*n->mode)
		return 0;
	if (str_equal(n->mode, "custom"))
		return err_set(e, ERR_INPUT, "custom networking mode is manifest-only");
	if (str_equal(n->mode, "bridge"))
		return err_set(e, ERR_MISSING,
			       "bridge networking requested but no bridge is configured");
	if (!str_equal(n->mode, "user"))
		return err_set(e, ERR_INPUT, "unsupported networking mode '%s'",
			       shown(text, sizeof(text), n->mode));
	if (*n->bridge_name)
		return err_set(e, ERR_INPUT,
			       "bridge_name is only valid for bridge networking mode");
	return 0;
}

static void add_user_network(struct manifest *m)
{
	struct manifest_network *n = &m->networks[m->n_networks++];

	n->mode = xstrdup("user");
	n->bridge = xstrdup("");
	n->mac_prefix = xstrdup("");
	n->net = xstrdup("10.0.2.0/24");
	n->dhcp_start = xstrdup("10.0.2.10");
	n->netdev = xstrdup("");
}

int validate_networks(const configuration *c, struct manifest *m, struct err *e)
{
	size_t i;
	int rc;

	if (c->n_networks > MANIFEST_LIST_MAX)
		return err_set(e, ERR_LIMIT, "%zu networks, at most %d", c->n_networks,
			       MANIFEST_LIST_MAX);
	m->networks = xcalloc(c->n_networks + 1, sizeof(*m->networks));
	for (i = 0; i < c->n_networks; i++) {
		rc = check_network(c->networks[i], true, e);
		if (rc)
			return rc;
		add_user_network(m);
	}
	if (c->n_networks || !c->networking)
		return 0;
	rc = check_network(c->networking, false, e);
	if (!rc && *c->networking->mode)
		add_user_network(m);
	return rc;
}

int validate_list(struct manifest_list *l, const char *what, char *const *urls, size_t n,
		  struct err *e)
{
	size_t i;
	int rc;

	for (i = 0; i < n; i++) {
		rc = manifest_list_add(l, urls[i], e);
		if (rc)
			return err_wrap(e, rc, "%s", what);
	}
	return 0;
}

static int read_tee(const configuration *c, struct manifest *m, struct err *e)
{
	char text[64];

	m->no_tee = c->no_tee;
	if (c->has_simulated_tee_case !=
	    BAILEY__VMM__VM_CONFIGURATION__HAS_SIMULATED_TEE_SIMULATED_TEE)
		return 0;
	if (!str_equal(c->simulated_tee, "dstack-tdx"))
		return err_set(e, ERR_INPUT, "unsupported TEE variant: %s; write dstack-tdx",
			       shown(text, sizeof(text), c->simulated_tee));
	m->simulated_tee = xstrdup(c->simulated_tee);
	m->no_tee = true;
	return 0;
}

static int check_app(const struct app_compose *a, struct err *e)
{
	if (a->n_volumes)
		return err_set(e, ERR_MISSING,
			       "volumes requested but cvm.volumes_dir is not configured");
	if (a->key_provider == APP_KEY_PROVIDER_TPM)
		return err_set(e, ERR_MISSING,
			       "tpm key provider requested but swtpm is not installed");
	return 0;
}

int validate_image(const struct daemon *d, const configuration *c, struct manifest *m,
		   struct err *e)
{
	struct image *im = NULL;
	int rc;

	if (!image_name_is_valid(c->image))
		return err_set(e, ERR_INPUT, "Failed to load VM: Invalid image name");
	rc = image_load(d->image_dir, c->image, &im, e);
	if (!rc && !image_is_at_least(im, 0, 5, 0))
		rc = err_set(e, ERR_INPUT, "Unsupported image version: (%u, %u, %u)",
			     im->version.major, im->version.minor, im->version.patch);
	image_free(im);
	m->image = xstrdup(c->image);
	return rc ? err_wrap(e, rc, "Failed to load VM: Failed to load image") : 0;
}

/* What a guest would refuse to read is refused here, where somebody can still change it. */
int validate_files(const configuration *c, struct err *e)
{
	if (c->encrypted_env.len > VALIDATE_ENCRYPTED_ENV_MAX) {
		return err_set(e, ERR_LIMIT,
			       "encrypted_env: %zu bytes, and guests read at most 256 KiB",
			       c->encrypted_env.len);
	}
	if (strlen(c->user_config) > VALIDATE_USER_CONFIG_MAX) {
		return err_set(e, ERR_LIMIT,
			       "user_config: %zu bytes, and guests read at most 50 MiB",
			       strlen(c->user_config));
	}
	return 0;
}

static int read_flags(const struct daemon *d, const configuration *c, struct manifest *m,
		      struct err *e)
{
	struct hardware h;

	m->hugepages = c->hugepages;
	m->pin_numa = c->pin_numa;
	m->vcpu = c->vcpu;
	m->memory = c->memory;
	m->disk_size = c->disk_size;
	m->name = xstrdup(c->name);
	/* one that does not start yet may wait for huge pages to be free */
	if (c->stopped)
		return hardware_check(d->config, d->sysfs, m, e);
	return hardware_find(d->config, d->sysfs, m, &h, e);
}

int validate_app(const configuration *c, struct err *e)
{
	struct app_compose *compose = NULL;
	int rc = check_compose(c, &compose, e);

	if (!rc)
		rc = check_app(compose, e);
	app_compose_free(compose);
	return rc;
}

static int fill(const struct daemon *d, const configuration *c, struct manifest *m, struct err *e)
{
	int rc = check_name(c->name, e);

	if (!rc)
		rc = limits_check_vm(d->config, c->vcpu, c->memory, c->disk_size, e);
	if (!rc)
		rc = validate_ports(d, c, m, e);
	if (!rc)
		rc = read_app_id(c, m, e);
	if (!rc)
		rc = gpus_choose(d, NULL, c->gpus, m, e);
	if (!rc)
		rc = validate_app(c, e);
	if (!rc)
		rc = read_tee(c, m, e);
	if (!rc)
		rc = validate_networks(c, m, e);
	if (!rc)
		rc = read_flags(d, c, m, e);
	if (!rc)
		rc = validate_files(c, e);
	if (!rc)
		rc = validate_list(&m->kms_urls, "kms_urls", c->kms_urls, c->n_kms_urls, e);
	if (!rc)
		rc = validate_list(&m->gateway_urls, "gateway_urls", c->gateway_urls,
				   c->n_gateway_urls, e);
	return rc ? rc : validate_gateway(c->gateway_service, m, e);
}

int validate_new(const struct daemon *d, const configuration *c, struct manifest *ret,
		 struct err *e)
{
	auto_manifest struct manifest m = MANIFEST_NULL;
	int rc = fill(d, c, &m, e);

	if (!rc)
		rc = validate_image(d, c, &m, e);
	if (!rc)
		rc = limits_check_room(d, NULL, &m, !c->stopped, e);
	if (!rc)
		rc = limits_check_space(d->config, d->config->state,
					NEW_VM_BYTES + strlen(c->compose_file), e);
	if (!rc)
		rc = fleet_check_ports(&d->fleet, &m, e);
	if (!rc)
		rc = host_claims_check_ports(d, m.ports, m.n_ports, e);
	if (!rc)
		rc = ports_probe(&m, e);
	if (rc)
		return rc;
	*ret = m;
	m = MANIFEST_NULL;
	return 0;
}
