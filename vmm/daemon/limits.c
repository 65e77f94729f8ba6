/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/limits.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "base/err.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/vm.h"

enum { MIB_SHIFT = 20, GIB_SHIFT = 30 };

int limits_check_vm(const struct config *c, uint32_t vcpu, uint32_t memory_mib, uint32_t disk_gib,
		    struct err *e)
{
	uint64_t memory_max = c->max_memory >> MIB_SHIFT, disk_max = c->max_disk >> GIB_SHIFT;

	if (vcpu < 1)
		return err_set(e, ERR_INPUT, "vcpu must be greater than zero");
	if (memory_mib < 1)
		return err_set(e, ERR_INPUT, "memory must be greater than zero");
	if (disk_gib < 1)
		return err_set(e, ERR_INPUT, "disk_size must be greater than zero");
	if (vcpu > c->max_vcpu) {
		return err_set(e, ERR_LIMIT,
			       "vcpu: %u is more than this host allows one VM (limits.vcpu: %u)",
			       vcpu, c->max_vcpu);
	}
	if (memory_mib > memory_max) {
		return err_set(e, ERR_LIMIT,
			       "memory: %u MiB is more than this host allows one VM "
			       "(limits.memory: %llu MiB)",
			       memory_mib, (unsigned long long)memory_max);
	}
	if (disk_gib > disk_max) {
		return err_set(e, ERR_LIMIT,
			       "disk_size: %u GiB is more than this host allows one VM "
			       "(limits.disk: %llu GiB)",
			       disk_gib, (unsigned long long)disk_max);
	}
	return 0;
}

struct use {
	uint64_t vcpu, memory_mib, disk_gib;
};

static struct use used(const struct daemon *d, const struct vm *self)
{
	struct use u = { .vcpu = 0 };
	const struct vm *vm;

	for (vm = d->fleet.first; vm; vm = vm->next) {
		if (vm == self)
			continue;
		u.disk_gib += vm->manifest.disk_size;
		if (vm->is_running || vm->state.started) {
			u.vcpu += vm->manifest.vcpu;
			u.memory_mib += vm->manifest.memory;
		}
	}
	return u;
}

struct row {
	const char *what, *unit, *key;
	uint64_t used, asked, limit; /* limit 0: none */
};

static int check_row(const struct row *r, struct err *e)
{
	if (!r->limit || r->used + r->asked <= r->limit)
		return 0;
	return err_set(
		e, ERR_LIMIT,
		"%s: %llu%s asked for, and other VMs have %llu%s of the %llu%s that all may have "
		"together (%s)",
		r->what, (unsigned long long)r->asked, r->unit, (unsigned long long)r->used,
		r->unit, (unsigned long long)r->limit, r->unit, r->key);
}

int limits_check_room(const struct daemon *d, const struct vm *self, const struct manifest *m,
		      bool runs, struct err *e)
{
	const struct config *c = d->config;
	const struct use u = used(d, self);
	const struct row rows[] = {
		{ "disk_size", " GiB", "limits.disk_total", u.disk_gib, m->disk_size,
		  c->total_disk >> GIB_SHIFT },
		{ "vcpu", "", "limits.vcpu_total", u.vcpu, m->vcpu, c->total_vcpu },
		{ "memory", " MiB", "limits.memory_total", u.memory_mib, m->memory,
		  c->total_memory >> MIB_SHIFT },
	};
	size_t i, n = runs ? sizeof(rows) / sizeof(rows[0]) : 1;
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++)
		rc = check_row(&rows[i], e);
	return rc;
}

int limits_check_space(const struct config *c, const char *folder, uint64_t bytes, struct err *e)
{
	struct statvfs fs;
	uint64_t free_bytes;

	if (statvfs(folder, &fs) != 0)
		return err_errno(e, errno, "cannot ask how full the disk of %s is", folder);
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (free_bytes >= bytes && free_bytes - bytes >= c->disk_free)
		return 0;
	return err_set(e, -ENOSPC,
		       "the disk of %s has %llu MiB free, this needs %llu MiB, "
		       "and %llu MiB "
		       "stay free for the VMs that are there (limits.disk_free); make room there",
		       folder, (unsigned long long)(free_bytes >> MIB_SHIFT),
		       (unsigned long long)(bytes >> MIB_SHIFT),
		       (unsigned long long)(c->disk_free >> MIB_SHIFT));
}
