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
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/boot_measure.h"
#include "daemon/compose.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/guest_bind.h"
#include "daemon/start_plan.h"
#include "data/app_compose.h"
#include "store/image.h"
#include "store/vm_config.h"
#include "tee/mr_config.h"

static const char sys_name[] = "shared/.sys-config.json";
static const char simulator_name[] = "shared/.tee-simulator.json";

/* What the app says of its VM.  One without a TEE must start also with a compose file that its guest will refuse. */
static int add_app(struct start_plan *p, struct vm_config_spec *s, struct guest_binding *b,
		   struct err *e)
{
	bool is_real = !p->m.no_tee && !p->m.simulated_tee;
	struct app_compose *c = NULL;
	int rc;

	if (!is_real && !p->m.simulated_tee)
		return 0;
	rc = compose_load(p->dirfd, &c, e);
	if (rc < 0)
		return is_real ? rc : 0;
	s->is_tdx = is_real;
	s->is_simulated = !is_real;
	if (is_real && c->requirements.has_tdx_measure_acpi_tables)
		s->measure_acpi = c->requirements.tdx_measure_acpi_tables;
	if (image_is_at_least(p->image, 0, 5, 2))
		rc = guest_bind(p->dirfd, c, p->hardware.n_gpus > 0, b, e);
	else if (c->n_key_provider_id && is_real) {
		rc = err_set(e, ERR_INPUT,
			     "app-compose.json: key_provider_id needs an image of version 0.5.2 or "
			     "later; '%s' is %s",
			     p->image->name, p->image->version_text);
	}
	app_compose_free(c);
	s->mr_config = b->document;
	s->mr_config_id = b->is_bound ? &b->id : NULL;
	if (is_real && b->is_bound)
		mr_config_text(&b->id, p->mr_config_id);
	return rc;
}

static void fill(const struct start_plan *p, struct vm_config_spec *s)
{
	const struct config *c = p->d->config;
	const struct manifest *m = &p->m;
	bool own_kms = m->kms_urls.n > 0;

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
		.gateway_urls = (const char *const *)p->gateway_urls.items,
		.n_gateway_urls = p->gateway_urls.n,
		.pccs_url = c->pccs_url,
		.docker_registry = c->docker_registry,
	};
}

/*
 * What a TD of this machine would have measured, for the simulator in the guest.  Where that cannot be told, as with an
 * image without a TD's firmware, the simulator begins from zeros.
 */
static void add_boot(const struct start_plan *p, struct vm_config_spec *s, struct measurement *m)
{
	auto_free char *text = NULL;
	struct err why = ERR_NONE;
	int rc = vm_config_text(s, &text, &why);

	if (rc == 0)
		rc = boot_measure(p, text, m, &why);
	if (rc == 0)
		s->boot = m;
	else
		log_info("vm %.8s: its simulated TEE begins from zeros: %s", p->m.id, why.text);
}

static int write_simulator(const struct start_plan *p, struct vm_config_spec *s, struct err *e)
{
	const struct config *c = p->d->config;
	struct measurement m;
	auto_free char *text = NULL;
	size_t n = 0;
	int rc;

	if (!p->m.simulated_tee) {
		if (unlinkat(p->dirfd, simulator_name, 0) < 0 && errno != ENOENT)
			return err_errno(e, errno, "cannot remove %s", simulator_name);
		return 0;
	}
	add_boot(p, s, &m);
	rc = vm_config_simulator(s, p->m.simulated_tee, c->simulator_seed, c->simulator_collateral,
				 &text, &n, e);
	s->boot = NULL;
	return rc ? rc : file_replace(p->dirfd, simulator_name, 0600, text, n, e);
}

/* A real TD is held to what its image's builder, and its own last start, said of it. */
static int check_real(const struct start_plan *p, const struct vm_config_spec *s, struct err *e)
{
	auto_free char *text = NULL;
	int rc = boot_check_published(p, e);

	if (rc == 0)
		rc = vm_config_text(s, &text, e);
	return rc < 0 ? rc : boot_check_drift(p, text, e);
}

int guest_config_write(struct start_plan *p, struct err *e)
{
	__attribute__((cleanup(guest_binding_deinit))) struct guest_binding b = { .document =
											  NULL };
	auto_free char *text = NULL;
	struct vm_config_spec s;
	size_t n = 0;
	int rc;

	fill(p, &s);
	rc = add_app(p, &s, &b, e);
	if (!rc)
		rc = vm_config_sys(&s, &text, &n, e);
	if (!rc && s.is_tdx)
		rc = check_real(p, &s, e);
	if (!rc)
		rc = file_replace(p->dirfd, sys_name, 0600, text, n, e);
	inject_point("guest-config.written");
	return rc ? rc : write_simulator(p, &s, e);
}
