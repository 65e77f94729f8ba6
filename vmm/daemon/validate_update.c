/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate_update: an operator's UpdateVmRequest into the manifest that the VM shall have
 *
 * What the request does not name is not checked anew: a policy that became stricter since must not stand between
 * an operator and a change of something else.
 */
#include "daemon/validate.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/fleet.h"
#include "daemon/gpus.h"
#include "daemon/limits.h"
#include "daemon/ports.h"
#include "daemon/validate_parts.h"
#include "daemon/vm.h"
#include "store/manifest.h"

typedef Bailey__Vmm__UpdateVmRequest request;

static bool has_vcpu(const request *q)
{
	return q->has_vcpu_case == BAILEY__VMM__UPDATE_VM_REQUEST__HAS_VCPU_VCPU;
}

static bool has_memory(const request *q)
{
	return q->has_memory_case == BAILEY__VMM__UPDATE_VM_REQUEST__HAS_MEMORY_MEMORY;
}

static bool has_disk_size(const request *q)
{
	return q->has_disk_size_case == BAILEY__VMM__UPDATE_VM_REQUEST__HAS_DISK_SIZE_DISK_SIZE;
}

static bool has_image(const request *q)
{
	return q->has_image_case == BAILEY__VMM__UPDATE_VM_REQUEST__HAS_IMAGE_IMAGE;
}

/* The parts of a configuration that the checks look at.  All borrowed. */
static Bailey__Vmm__VmConfiguration as_configuration(const request *q)
{
	Bailey__Vmm__VmConfiguration c = BAILEY__VMM__VM_CONFIGURATION__INIT;

	c.compose_file = q->compose_file;
	c.encrypted_env = q->encrypted_env;
	c.user_config = q->user_config;
	c.n_ports = q->n_ports;
	c.ports = q->ports;
	c.n_networks = q->n_networks;
	c.networks = q->networks;
	c.gpus = q->gpus;
	if (has_image(q))
		c.image = q->image;
	return c;
}

static int update_size(const struct vm *vm, const request *q, struct manifest *m, struct err *e)
{
	uint32_t was = m->disk_size;

	if (!has_vcpu(q) && !has_memory(q) && !has_disk_size(q))
		return 0;
	if (has_vcpu(q))
		m->vcpu = q->vcpu;
	if (has_memory(q))
		m->memory = q->memory;
	if (has_disk_size(q))
		m->disk_size = q->disk_size;
	if (m->disk_size && m->disk_size < was) {
		return err_set(e, ERR_INPUT, "Cannot shrink disk size: it has %u GiB, not %u GiB",
			       was, m->disk_size);
	}
	return limits_check_vm(vm->d->config, m->vcpu, m->memory, m->disk_size, e);
}

static int update_image(const struct daemon *d, const request *q,
			const Bailey__Vmm__VmConfiguration *c, struct manifest *m, struct err *e)
{
	if (!has_image(q))
		return 0;
	if (!*q->image)
		return err_set(e, ERR_INPUT, "image must not be empty");
	free(m->image);
	m->image = NULL;
	return validate_image(d, c, m, e);
}

static int update_tee(const request *q, struct manifest *m, struct err *e)
{
	if (q->has_no_tee_case != BAILEY__VMM__UPDATE_VM_REQUEST__HAS_NO_TEE_NO_TEE)
		return 0;
	if (m->simulated_tee && !q->no_tee) {
		return err_set(e, ERR_INPUT,
			       "no_tee: the TEE of this VM is simulated (%s), which an update "
			       "cannot change; make another VM",
			       m->simulated_tee);
	}
	m->no_tee = q->no_tee;
	return 0;
}

static bool had_port(const struct vm *vm, const struct manifest_port *p)
{
	size_t i;

	for (i = 0; i < vm->manifest.n_ports; i++) {
		if (ports_collide(&vm->manifest.ports[i], p))
			return true;
	}
	for (i = 0; vm_is_outdated(vm) && i < vm->n_booted_ports; i++) {
		if (ports_collide(&vm->booted_ports[i], p))
			return true;
	}
	return false;
}

/* Are the new ones free?  Those that a running QEMU of this VM has cannot be tried. */
static int probe_new(const struct vm *vm, const struct manifest *m, struct err *e)
{
	struct manifest one = MANIFEST_NULL;
	size_t i;
	int rc = 0;

	/* It was updated before this daemon was started: what its QEMU has is not known.  The start will try. */
	if (vm_is_outdated(vm) && !vm->booted_ports)
		return 0;
	for (i = 0; i < m->n_ports && !rc; i++) {
		one.ports = &m->ports[i];
		one.n_ports = 1;
		if (!vm->is_running || !had_port(vm, &m->ports[i]))
			rc = ports_probe(&one, e);
	}
	return rc;
}

static int update_ports(const struct vm *vm, const request *q,
			const Bailey__Vmm__VmConfiguration *c, struct manifest *m, struct err *e)
{
	int rc;

	if (!q->update_ports)
		return 0;
	free(m->ports);
	m->ports = NULL;
	m->n_ports = 0;
	rc = validate_ports(vm->d, c, m, e);
	if (!rc)
		rc = fleet_check_ports(&vm->d->fleet, m, e);
	if (!rc)
		rc = host_claims_check_ports(vm->d, m->ports, m->n_ports, e);
	return rc ? rc : probe_new(vm, m, e);
}

static int update_urls(const request *q, struct manifest *m, struct err *e)
{
	int rc = 0;

	if (q->update_kms_urls) {
		manifest_list_deinit(&m->kms_urls);
		rc = validate_list(&m->kms_urls, "kms_urls", q->kms_urls, q->n_kms_urls, e);
	}
	if (!rc && q->update_gateway_urls) {
		manifest_list_deinit(&m->gateway_urls);
		rc = validate_list(&m->gateway_urls, "gateway_urls", q->gateway_urls,
				   q->n_gateway_urls, e);
	}
	return rc || !q->update_gateway_service ? rc : validate_gateway(q->gateway_service, m, e);
}

static int update_app(const request *q, const Bailey__Vmm__VmConfiguration *c, struct manifest *m,
		      struct err *e)
{
	int rc;

	if (!*q->compose_file)
		return 0;
	rc = validate_app(c, e);
	if (rc)
		return rc;
	/* No app with volumes gets here: those of the old one go with it. */
	manifest_list_deinit(&m->volumes);
	return 0;
}

static int check_files(const struct daemon *d, const request *q,
		       const Bailey__Vmm__VmConfiguration *c, struct err *e)
{
	size_t n = strlen(q->compose_file) + strlen(q->user_config) + q->encrypted_env.len;
	int rc = 0;

	if (q->clear_encrypted_env && q->encrypted_env.len)
		rc = err_set(e, ERR_INPUT, "encrypted_env is given and to be cleared; do one");
	else if (q->clear_user_config && *q->user_config)
		rc = err_set(e, ERR_INPUT, "user_config is given and to be cleared; do one");
	if (!rc)
		rc = validate_files(c, e);
	return rc || !n ? rc : limits_check_space(d->config, d->config->state, n, e);
}

static int update_gpus(const struct vm *vm, const request *q, struct manifest *m, struct err *e)
{
	free(m->gpu_attach_mode);
	m->gpu_attach_mode = NULL;
	manifest_list_deinit(&m->gpus);
	manifest_list_deinit(&m->gpu_bridges);
	return gpus_choose(vm->d, vm, q->gpus, m, e);
}

int validate_update(const struct vm *vm, const request *q, struct manifest *m, struct err *e)
{
	const struct daemon *d = vm->d;
	const Bailey__Vmm__VmConfiguration c = as_configuration(q);
	int rc = update_app(q, &c, m, e);

	if (!rc)
		rc = check_files(d, q, &c, e);
	if (!rc)
		rc = update_size(vm, q, m, e);
	if (!rc)
		rc = update_image(d, q, &c, m, e);
	if (!rc && q->gpus)
		rc = update_gpus(vm, q, m, e);
	/* a GPU that was taken out of the host hinders the next start, but not an update of the app */
	if (!rc && (q->gpus || m->vcpu != vm->manifest.vcpu || m->memory != vm->manifest.memory))
		rc = hardware_check(d->config, d->sysfs, m, e);
	if (!rc)
		rc = update_tee(q, m, e);
	if (!rc)
		rc = update_ports(vm, q, &c, m, e);
	if (!rc)
		rc = update_urls(q, m, e);
	if (!rc && q->update_networking) {
		manifest_networks_deinit(m);
		rc = validate_networks(&c, m, e);
	}
	if (!rc && (m->vcpu != vm->manifest.vcpu || m->memory != vm->manifest.memory ||
		    m->disk_size != vm->manifest.disk_size))
		rc = limits_check_room(d, vm, m, vm->is_running || vm->state.started, e);
	return rc;
}
