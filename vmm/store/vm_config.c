/* SPDX-License-Identifier: Apache-2.0 */
#include "store/vm_config.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "data/json.h"
#include "store/image.h"
#include "tee/measurement.h"
#include "tee/mr_config.h"

enum {
	MIB = 1024 * 1024,
	SPEC_VERSION = 1,
	/* lite is chosen by itself where verifiers can do without the ACPI tables: from 3 GiB, and at exactly 2 GiB */
	LITE_FROM_MIB = 3072,
	LITE_ALSO_MIB = 2048,
};

static void put(json_t *o, const char *key, json_t *value)
{
	int rc = json_object_set_new(o, key, value);

	assert(rc == 0); /* our keys are UTF-8, our values were made */
	(void)rc;
}

static void put_text(json_t *o, const char *key, const char *text)
{
	put(o, key, json_text(text ? text : ""));
}

static json_t *base64(const struct buf *b)
{
	auto_buf struct buf text = BUF_MAX(b->n / 3 * 4 + 8);
	int rc = base64_encode(&text, b->p, b->n);

	assert(rc == 0);
	(void)rc;
	return json_stringn((const char *)text.p, text.n);
}

static bool has_measurement(const struct vm_config_spec *s)
{
	return (s->is_tdx || s->is_simulated) && s->image->sums.n && s->image->tdx_measurement.n;
}

/* Do verifiers use the image's measurement instead of computing ACPI tables?  1, 0 or ERR_MISSING. */
static int is_lite(const struct vm_config_spec *s, struct err *e)
{
	bool asked = s->measure_acpi == 0 || (s->measure_acpi < 0 && s->variant == VM_CONFIG_LITE);
	bool fits = s->memory_mib >= LITE_FROM_MIB || s->memory_mib == LITE_ALSO_MIB;

	if (!s->is_tdx || s->measure_acpi > 0)
		return 0;
	if (asked && !has_measurement(s)) {
		return err_set(e, ERR_MISSING,
			       "tdx lite attestation requested but image is missing "
			       "measurement.tdx.cbor/sha256sum.txt measurement material");
	}
	return asked || (s->measure_acpi < 0 && s->variant == VM_CONFIG_AUTO && fits &&
			 s->image->digest[0] && has_measurement(s));
}

static void put_machine(json_t *o, const struct vm_config_spec *s)
{
	put_text(o, "os_image_hash", s->image->digest);
	put(o, "cpu_count", json_integer(s->cpu_count));
	put(o, "memory_size", json_integer((json_int_t)s->memory_mib * MIB));
	if (s->qemu_version && s->qemu_version[0])
		put_text(o, "qemu_version", s->qemu_version);
	put(o, "pci_hole64_size", json_integer((json_int_t)s->pci_hole64_size));
	put(o, "hugepages", json_boolean(s->hugepages));
	put(o, "num_gpus", json_integer(s->n_gpus));
	put(o, "num_nvswitches", json_integer(s->n_nvswitches));
	if (s->n_nics != 1)
		put(o, "num_nics", json_integer(s->n_nics));
	if (s->n_volumes)
		put(o, "num_verity_volumes", json_integer(s->n_volumes));
	if (s->swtpm)
		put(o, "swtpm", json_true());
	put(o, "hotplug_off", json_boolean(s->hotplug_off));
	/* ours: verifiers take a root disk's PCI slot for given, as dstack's images all have one */
	if (s->is_tdx && !s->image->rootfs)
		put(o, "root_disk", json_false());
	put_text(o, "image", s->image->name);
	put_text(o, "host_share_mode", s->share_mode);
	if (s->image->is_pre202505)
		put_text(o, "ovmf_variant", "pre202505");
}

int vm_config_text(const struct vm_config_spec *s, char **ret, struct err *e)
{
	int lite = is_lite(s, e);
	json_t *o;

	if (lite < 0)
		return lite;
	o = json_object();
	put_machine(o, s);
	if (lite)
		put_text(o, "tdx_attestation_variant", "lite");
	if (has_measurement(s)) {
		put(o, "tdx_measurement",
		    json_pack("{s:o, s:o}", "checksum_file", base64(&s->image->sums), "measurement",
			      base64(&s->image->tdx_measurement)));
	}
	put(o, "spec_version", json_integer(SPEC_VERSION));
	*ret = json_compact(o);
	json_decref(o);
	return 0;
}

static json_t *texts(const char *const *p, size_t n)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < n; i++)
		(void)json_array_append_new(a, json_text(p[i]));
	return a;
}

static json_t *sys_config(const struct vm_config_spec *s, const char *vm_config)
{
	json_t *o = json_object(), *collateral = json_object();

	put(o, "kms_urls", texts(s->kms_urls, s->n_kms_urls));
	put(o, "gateway_urls", texts(s->gateway_urls, s->n_gateway_urls));
	put_text(o, "pccs_url", s->pccs_url);
	put_text(collateral, "pccs", s->pccs_url);
	put(o, "collateral_urls", collateral);
	put(o, "nvidia_attestation_proxy_url",
	    s->nvidia_attestation_proxy_url ? json_text(s->nvidia_attestation_proxy_url)
					    : json_null());
	put_text(o, "docker_registry", s->docker_registry);
	put_text(o, "host_api_url", s->host_api_url ? s->host_api_url : VM_CONFIG_HOST_API_URL);
	put_text(o, "vm_config", vm_config);
	if (s->mr_config)
		put_text(o, "mr_config", s->mr_config);
	return o;
}

int vm_config_sys(const struct vm_config_spec *s, char **ret, size_t *ret_n, struct err *e)
{
	const struct image_version *v = &s->image->version;
	char *vm_config, *text;
	json_t *o;
	int rc;

	if (!image_is_at_least(s->image, 0, 5, 0))
		return err_set(e, ERR_INPUT, "Unsupported image version: (%u, %u, %u)", v->major,
			       v->minor, v->patch);
	rc = vm_config_text(s, &vm_config, e);
	if (rc < 0)
		return rc;
	o = sys_config(s, vm_config);
	text = json_compact(o);
	json_decref(o);
	free(vm_config);
	if (strlen(text) > VM_CONFIG_SYS_MAX) {
		rc = err_set(e, ERR_LIMIT,
			     ".sys-config.json would have %zu bytes, a guest reads %d; use fewer "
			     "or shorter URLs, or an image "
			     "with a smaller measurement",
			     strlen(text), VM_CONFIG_SYS_MAX);
		free(text);
		return rc;
	}
	*ret_n = strlen(text);
	*ret = text;
	return 0;
}

static void put_hex(json_t *o, const char *key, const void *bytes, size_t n)
{
	char hex[2 * sizeof(struct mr_config) + 1];

	assert(n < sizeof(hex) / 2 + 1);
	str_hex(hex, bytes, n);
	put_text(o, key, hex);
}

/* The registers of a TD as firmware leaves them: what their events were. */
static json_t *boot_of(const struct vm_config_spec *s)
{
	json_t *o = json_object(), *list = json_array();
	const struct boot_event *ev;
	size_t i;

	put_hex(o, "mrtd", s->boot->mrtd.b, sizeof(s->boot->mrtd.b));
	if (s->mr_config_id)
		put_hex(o, "mrconfigid", s->mr_config_id->b, sizeof(s->mr_config_id->b));
	for (i = 0; i < s->boot->n_events; i++) {
		json_t *entry = json_object();

		ev = &s->boot->events[i];
		put(entry, "imr", json_integer(ev->imr));
		put(entry, "event_type", json_integer(ev->type));
		put_hex(entry, "digest", ev->digest.b, sizeof(ev->digest.b));
		put_text(entry, "event", ev->name);
		(void)json_array_append_new(list, entry);
	}
	put(o, "events", list);
	return o;
}

int vm_config_simulator(const struct vm_config_spec *s, const char *platform, const char *seed,
			const char *collateral_url, char **ret, size_t *ret_n, struct err *e)
{
	char *vm_config;
	json_t *o;
	int rc = vm_config_text(s, &vm_config, e);

	if (rc < 0)
		return rc;
	o = json_object();
	put_text(o, "platform", platform);
	if (seed)
		put_text(o, "mock_attestation_seed", seed);
	if (collateral_url)
		put_text(o, "collateral_base_url", collateral_url);
	if (s->mr_config)
		put_text(o, "mr_config", s->mr_config);
	put_text(o, "vm_config", vm_config);
	if (s->boot)
		put(o, "bailey", boot_of(s));
	*ret = json_compact(o);
	*ret_n = strlen(*ret);
	json_decref(o);
	free(vm_config);
	return 0;
}
