/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gpus: which GPUs there are, which VM has them, and the place on the host that follows from them
 *
 * A GPU that is in the manifest of a VM is that VM's, also while it is stopped or being created.
 *
 * Thread   the loop's, but hardware_find().
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "domain/domain_xml.h"
#include "domain/host_devices.h"
#include "proto/vmm.pb-c.h"

struct config;
struct daemon;
struct err;
struct manifest;
struct vm;

/*
 * What @g asks for, into @m's attach mode, GPUs and bridges, which were empty.  @g NULL: none.  @self, which may be
 * NULL, is the VM that it is for.
 *
 * Return: 0; ERR_INPUT, ERR_MISSING, ERR_NOT_FOUND, ERR_CONFLICT with the slot and what is wrong with it.
 */
int gpus_choose(const struct daemon *d, const struct vm *self, const Bailey__Vmm__GpuConfig *g,
		struct manifest *m, struct err *e);

/* Is nothing of @m another VM's?  Return: 0; ERR_CONFLICT. */
int gpus_check_free(const struct daemon *d, const struct vm *self, const struct manifest *m,
		    struct err *e);

/* Those that may be given to VMs. */
struct gpus_offered {
	struct host_gpu items[HOST_GPUS_MAX];
	size_t n;
};

int gpus_offered(const struct config *c, const char *sysfs, struct gpus_offered *ret,
		 struct err *e);

/* Would a VM get it now? */
bool gpus_is_free(const struct daemon *d, const struct host_gpu *g);

/* Where on the host a VM is to be, and what it is given. */
struct hardware {
	struct domain_gpu gpus[DOMAIN_GPUS_MAX];
	size_t n_gpus, n_bridges; /* n_gpus: both */
	unsigned int nodes[DOMAIN_NODES_MAX];
	size_t n_nodes;
	unsigned int hugepage_kib;
	char cpuset[HOST_CPULIST_SIZE]; /* "": all */
};

/* Find what @m asks for, as the host is now.  Any thread.  Return: 0; ERR_INPUT, ERR_MISSING, ERR_NOT_FOUND. */
int hardware_find(const struct config *c, const char *sysfs, const struct manifest *m,
		  struct hardware *ret, struct err *e);

/* Can vCPUs and memory of @m be shared by as many nodes as its GPUs are on?  For VMs that do not start yet. */
int hardware_check(const struct config *c, const char *sysfs, const struct manifest *m,
		   struct err *e);
