/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start_plan: all that starting a VM needs, worked out and made on disk before QEMU is asked
 *
 * Owns     copies of everything it uses, so that a worker thread may fill it.
 * Thread   plan_prepare() any (it blocks on the disk); the others the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/gpus.h"
#include "daemon/vsock_process.h"
#include "domain/domain_xml.h"
#include "store/manifest.h"
#include "store/state.h"
#include "tee/mr_config.h"

struct buf;
struct daemon;
struct err;
struct image;
struct vm;

struct start_plan {
	const struct daemon *d; /* worker threads read only what never changes: config, images */
	struct manifest m;
	struct manifest_list gateway_urls; /* what its guest is told */
	struct vm_state before, after;
	int dirfd;
	char *dir; /* absolute */
	struct vsock_paths sockets;
	struct hardware hardware;
	struct image *image;
	char qemu_version[32], emulator[256];	/* as the hypervisor tells */
	char mr_config_id[MR_CONFIG_TEXT_SIZE]; /* base64; "" if the VM has no real TEE */
};

/* Copy what is needed of @vm.  Return: 0 or ERR_INPUT. */
int plan_init(struct start_plan *p, struct vm *vm, struct err *e);
void plan_deinit(struct start_plan *p);

/*
 * Check the image, write the guest's configuration, make the disks, rotate the logs, and write down that the
 * VM is meant to run.
 */
int plan_prepare(struct start_plan *p, struct err *e);

/* The state as it was before plan_prepare(). */
int plan_revert(struct start_plan *p, struct err *e);

/* Start the process that carries its vsock, if there is one. */
int plan_carry(struct start_plan *p, struct err *e);

/* The domain of the VM on a host like @caps, appended to @ret. */
int plan_domain(const struct start_plan *p, const struct host_caps *caps, struct buf *ret,
		struct err *e);
