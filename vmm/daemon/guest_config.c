/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/guest_config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/inject.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "daemon/compose.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/start_plan.h"
#include "data/app_compose.h"
#include "store/image.h"
#include "store/vm_config.h"
#include "tee/mr_config.h"

static const char sys_name[] = "shared/.sys-config.json";
static const char simulator_name[] = "shared/.tee-simulator.json";

static int bind_compose(struct start_plan *p, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(0);
	struct mr_config id;
	struct digest256 d;
	int rc = file_read(p->dirfd, "shared/app-compose.json", APP_COMPOSE_MAX, &b, e);

	if (rc)
		return rc;
	d = digest256_bytes(b.p, b.n);
	id = mr_config_v1(&d);
	mr_config_text(&id, p->mr_config_id);
	return 0;
}

/* For a VM with a real TEE.  One without must start also with a compose file that its guest will refuse. */
static int add_tdx(struct start_plan *p, struct vm_config_spec *s, struct err *e)
{
	struct app_compose *c = NULL;
	int rc = compose_load(p->dirfd, &c, e);

	if (rc)
		return rc;
	if (c->n_key_provider_id) {
		rc = err_set(e, ERR_MISSING,
			     "app-compose.json: key_provider_id needs MrConfigV3, which this "
			     "version of Bailey cannot make");
	}
	s->is_tdx = true;
	if (c->requirements.has_tdx_measure_acpi_tables)
		s->measure_acpi = c->requirements.tdx_measure_acpi_tables;
	app_compose_free(c);
	if (rc)
		return rc;
	return image_is_at_least(p->image, 0, 5, 2) ? bind_compose(p, e) : 0;
}

static void fill(const struct start_plan *p, struct vm_config_spec *s)
{
	const struct config *c = p->d->config;
	const struct manifest *m = &p->m;
	bool own_kms = m->kms_urls.n > 0, own_gateways = m->gateway_urls.n > 0;

	*s = (struct vm_config_spec){
		.image = p->image,
		.cpu_count = m->vcpu,
		.memory_mib = m->memory,
		.qemu_version = p->qemu_version,
		.hugepages = m->hugepages,
		.n_gpus = (unsigned int)(p->hardware.n_gpus - p->hardware.n_bridges),
		.n_nvswitches = (unsigned int)p->hardware.n_bridges,
		.swtpm = m->swtpm,
		.n_nics = m->n_networks ? (unsigned int)m->n_networks : 1,
		.n_volumes = (unsigned int)m->volumes.n,
		.share_mode = c->share == CONFIG_SHARE_9P ? "9p" : "vhd",
		.variant = VM_CONFIG_AUTO,
		.measure_acpi = -1,
		.kms_urls = own_kms ? (const char *const *)m->kms_urls.items : c->kms_urls.items,
		.n_kms_urls = own_kms ? m->kms_urls.n : c->kms_urls.n,
		.gateway_urls = own_gateways ? (const char *const *)m->gateway_urls.items
					     : c->gateway_urls.items,
		.n_gateway_urls = own_gateways ? m->gateway_urls.n : c->gateway_urls.n,
		.pccs_url = c->pccs_url,
		.docker_registry = c->docker_registry,
	};
}

static int write_simulator(const struct start_plan *p, const struct vm_config_spec *s,
			   struct err *e)
{
	const struct config *c = p->d->config;
	auto_free char *text = NULL;
	size_t n = 0;
	int rc;

	if (!p->m.simulated_tee) {
		if (unlinkat(p->dirfd, simulator_name, 0) < 0 && errno != ENOENT)
			return err_errno(e, errno, "cannot remove %s", simulator_name);
		return 0;
	}
	rc = vm_config_simulator(s, p->m.simulated_tee, c->simulator_seed, c->simulator_collateral,
				 &text, &n, e);
	return rc ? rc : file_replace(p->dirfd, simulator_name, 0600, text, n, e);
}

int guest_config_write(struct start_plan *p, struct err *e)
{
	bool is_real = !p->m.no_tee && !p->m.simulated_tee;
	auto_free char *text = NULL;
	struct vm_config_spec s;
	size_t n = 0;
	int rc;

	fill(p, &s);
	rc = is_real ? add_tdx(p, &s, e) : 0;
	if (!rc)
		rc = vm_config_sys(&s, &text, &n, e);
	if (!rc)
		rc = file_replace(p->dirfd, sys_name, 0600, text, n, e);
	inject_point("guest-config.written");
	return rc ? rc : write_simulator(p, &s, e);
}
