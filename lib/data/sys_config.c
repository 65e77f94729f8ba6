/* SPDX-License-Identifier: Apache-2.0 */
#include "data/sys_config.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "data/fields.h"
#include "data/json.h"

static const char file[] = ".sys-config.json";
static const char vsock_scheme[] = "vsock://";
static const char path_characters[] =
	"/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

static void read_urls(struct fields *f, const char *key, struct sys_urls *ret)
{
	const json_t *list = fields_texts(f, key, SYS_CONFIG_URLS_MAX);

	for (ret->n = 0; ret->n < json_array_size(list); ret->n++)
		ret->p[ret->n] = json_string_value(json_array_get(list, ret->n));
}

/* tproxy_urls is the older name: one or the other, not both. */
static void read_gateways(struct fields *f, struct sys_urls *ret)
{
	bool is_old = json_object_get(f->o, "tproxy_urls") != NULL;

	if (is_old && json_object_get(f->o, "gateway_urls"))
		fields_fail(f, "tproxy_urls",
			    "is another name of gateway_urls, which is there too");
	read_urls(f, is_old ? "tproxy_urls" : "gateway_urls", ret);
}

static void read_collateral(struct fields *f, struct sys_config *c)
{
	static const char *const known[] = { "pccs", "amd_kds", NULL };
	struct fields in = { .what = ".sys-config.json: collateral_urls", .e = f->e, .rc = f->rc };

	in.o = fields_object(f, "collateral_urls");
	if (!in.o)
		return;
	fields_only(&in, known);
	c->collateral_pccs = fields_text_or_null(&in, "pccs");
	c->collateral_amd_kds = fields_text_or_null(&in, "amd_kds");
	f->rc = in.rc;
}

static int parse_object(const void *p, size_t n, const char *what, json_t **ret, struct err *e)
{
	int rc = json_parse(p, n, SYS_CONFIG_MAX, what, ret, e);

	if (rc == 0 && !json_is_object(*ret))
		rc = err_set(e, ERR_INPUT, "%s: expected an object", what);
	return rc;
}

static int read_config(struct sys_config *c, struct err *e)
{
	struct fields f = { .o = c->doc, .what = file, .e = e };
	int rc;

	read_urls(&f, "kms_urls", &c->kms_urls);
	read_gateways(&f, &c->gateway_urls);
	c->pccs_url = fields_text_or_null(&f, "pccs_url");
	read_collateral(&f, c);
	c->nvidia_attestation_proxy_url = fields_text_or_null(&f, "nvidia_attestation_proxy_url");
	c->docker_registry = fields_text_or_null(&f, "docker_registry");
	c->host_api_url = fields_text_or_null(&f, "host_api_url");
	c->mr_config = fields_text_or_null(&f, "mr_config");
	c->vm_config = fields_need_text(&f, "vm_config");
	if (f.rc < 0)
		return f.rc;
	rc = parse_object(c->vm_config, strlen(c->vm_config), ".sys-config.json: vm_config",
			  &c->vm_doc, e);
	if (rc == 0)
		rc = sys_vm_config_read(c->vm_doc, ".sys-config.json: vm_config", &c->vm, e);
	if (!c->mr_config || c->mr_config[0] == 0)
		c->mr_config = c->vm.mr_config;
	if (c->mr_config && c->mr_config[0] == 0)
		c->mr_config = NULL;
	return rc;
}

int sys_config_parse(const void *p, size_t n, struct sys_config **ret, struct err *e)
{
	struct sys_config *c = xnew(struct sys_config);
	int rc = parse_object(p, n, file, &c->doc, e);

	if (rc == 0)
		rc = read_config(c, e);
	if (rc < 0)
		sys_config_free(c);
	else
		*ret = c;
	return rc;
}

void sys_config_free(struct sys_config *c)
{
	if (!c)
		return;
	json_decref(c->doc);
	json_decref(c->vm_doc);
	free(c);
}

/* Decimal digits up to @end. */
static bool read_number(const char *s, const char *end, uint32_t *ret)
{
	char digits[16];

	return end - s < (ptrdiff_t)sizeof(digits) &&
	       str_format(digits, sizeof(digits), "%.*s", (int)(end - s), s) > 0 &&
	       num_parse_u32(digits, 1, UINT32_MAX, ret) == 0;
}

static bool read_vsock_url(const char *url, struct sys_host_api *ret)
{
	const char *cid = url + sizeof(vsock_scheme) - 1, *colon, *slash;

	if (!str_starts(url, vsock_scheme))
		return false;
	colon = cid + strcspn(cid, ":/");
	if (*colon != ':')
		return false;
	slash = colon + 1 + strcspn(colon + 1, "/");
	ret->prefix = slash;
	return read_number(cid, colon, &ret->cid) && read_number(colon + 1, slash, &ret->port) &&
	       strspn(slash, path_characters) == strlen(slash);
}

int sys_config_host_api(const struct sys_config *c, struct sys_host_api *ret, struct err *e)
{
	const char *url = c->host_api_url;
	struct sys_host_api api;
	char shown[72];

	if (!url || url[0] == 0)
		return err_set(e, ERR_NOT_FOUND, "%s: no host_api_url", file);
	if (!read_vsock_url(url, &api)) {
		return err_set(e, ERR_INPUT,
			       "%s: host_api_url: \"%s\" is not like vsock://2:10000/api", file,
			       str_escape(shown, sizeof(shown), url, strlen(url)));
	}
	*ret = api;
	return 0;
}
