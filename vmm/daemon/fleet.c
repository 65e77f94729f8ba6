/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/fleet.h"

#include <string.h>
#include <sys/random.h>

#include "base/err.h"
#include "base/str.h"
#include "daemon/ports.h"
#include "daemon/vm.h"

static int order(const struct vm *a, const struct vm *b)
{
	if (a->manifest.created_at_ms != b->manifest.created_at_ms)
		return a->manifest.created_at_ms < b->manifest.created_at_ms ? -1 : 1;
	return strcmp(a->manifest.id, b->manifest.id);
}

void fleet_add(struct fleet *f, struct vm *vm)
{
	struct vm **p = &f->first;

	while (*p && order(*p, vm) < 0)
		p = &(*p)->next;
	vm->next = *p;
	*p = vm;
	f->n++;
}

void fleet_drop(struct fleet *f, struct vm *vm)
{
	struct vm **p = &f->first;

	while (*p != vm)
		p = &(*p)->next;
	*p = vm->next;
	f->n--;
	vm_free(vm);
}

void fleet_free(struct fleet *f)
{
	while (f->first)
		fleet_drop(f, f->first);
}

struct vm *fleet_find(const struct fleet *f, const char *id)
{
	struct vm *vm;

	for (vm = f->first; vm; vm = vm->next) {
		if (!vm->is_hidden && str_equal(vm->manifest.id, id))
			return vm;
	}
	return NULL;
}

struct vm *fleet_find_cid(const struct fleet *f, uint32_t cid)
{
	struct vm *vm;

	for (vm = f->first; vm; vm = vm->next) {
		if (vm->is_running && vm->state.cid == cid)
			return vm;
	}
	return NULL;
}

static bool short_id_taken(const struct fleet *f, const char *id)
{
	const struct vm *vm;

	for (vm = f->first; vm; vm = vm->next) {
		if (memcmp(vm->short_id, id, VM_SHORT_ID) == 0)
			return true;
	}
	return false;
}

/* A random UUID (RFC 4122, version 4), lower case. */
static void random_uuid(char ret[static VM_ID_MAX + 1])
{
	uint8_t b[16];
	char hex[33];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		abort(); /* sixteen bytes cannot fail once the pool is up */
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	str_hex(hex, b, sizeof(b));
	(void)str_format(ret, VM_ID_MAX + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
			 hex + 16, hex + 20);
}

void fleet_new_id(const struct fleet *f, char ret[static VM_ID_MAX + 1])
{
	do {
		random_uuid(ret);
	} while (short_id_taken(f, ret));
}

static bool cid_taken(const struct fleet *f, uint32_t cid)
{
	const struct vm *vm;

	for (vm = f->first; vm; vm = vm->next) {
		if (vm->state.cid == cid)
			return true;
	}
	return false;
}

int fleet_new_cid(const struct fleet *f, uint32_t first, uint32_t n, const bool *taken,
		  uint32_t *ret, struct err *e)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (!cid_taken(f, first + i) && !(taken && taken[i])) {
			*ret = first + i;
			return 0;
		}
	}
	return err_set(e, ERR_LIMIT, "CID pool exhausted: all %u are taken; raise vsock.cids", n);
}

int fleet_check_name(const struct fleet *f, const char *name, struct err *e)
{
	const struct vm *vm;

	for (vm = *name ? f->first : NULL; vm; vm = vm->next) {
		if (vm->is_removing || !str_equal(vm->manifest.name, name))
			continue;
		return err_set(
			e, ERR_CONFLICT,
			"\"%s\" " VM_NAME_TAKEN "%s%s; choose another, or set unique_names: false",
			name, vm->manifest.id, vm->is_hidden ? ", which is being created" : "");
	}
	return 0;
}

static int check_against(const struct manifest *m, const struct vm *vm,
			 const struct manifest_port *theirs, size_t n, struct err *e)
{
	char text[96];
	size_t i, j;

	for (i = 0; i < m->n_ports; i++) {
		for (j = 0; j < n; j++) {
			if (ports_collide(&m->ports[i], &theirs[j])) {
				return err_set(e, ERR_CONFLICT,
					       "host port mapping conflicts with VM %s (\"%s\"): "
					       "%s",
					       vm->manifest.id, vm->manifest.name,
					       ports_text(&m->ports[i], text, sizeof(text)));
			}
		}
	}
	return 0;
}

/* What it has, what it is about to have, and what its QEMU still has. */
static int check_vm(const struct manifest *m, const struct vm *vm, struct err *e)
{
	int rc = check_against(m, vm, vm->manifest.ports, vm->manifest.n_ports, e);

	if (!rc && vm->staged)
		rc = check_against(m, vm, vm->staged->ports, vm->staged->n_ports, e);
	if (!rc && vm_is_outdated(vm))
		rc = check_against(m, vm, vm->booted_ports, vm->n_booted_ports, e);
	return rc;
}

int fleet_check_ports(const struct fleet *f, const struct manifest *m, struct err *e)
{
	const struct vm *vm;
	int rc = 0;

	for (vm = f->first; vm && !rc; vm = vm->next) {
		if (!str_equal(vm->manifest.id, m->id))
			rc = check_vm(m, vm, e);
	}
	return rc;
}

int fleet_check_used_ports(const struct fleet *f, const struct manifest *m, struct err *e)
{
	const struct vm *vm;
	int rc = 0;

	for (vm = f->first; vm && !rc; vm = vm->next) {
		if (vm->is_running && !str_equal(vm->manifest.id, m->id))
			rc = check_vm(m, vm, e);
	}
	return rc;
}
