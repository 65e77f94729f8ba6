/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_claims: no two VMs of a host have one CID or one host port, whichever daemons they are of
 *
 * What the VMs of the fleet have is written into the host's registry when it changes; what other daemons wrote there
 * is asked before a VM is given anything.  First it is claimed, then looked whether another claimed it too: of two
 * daemons that ask at one moment at most one gets it.
 *
 * A claim counts as long as the daemon that made it lives, or the VM's QEMU does.  A VM whose claim came second,
 * because both were on file before, is kept, shown, and not started: with a port it says who has it, a CID it
 * is given anew.
 *
 * Where there is no registry that we may use, that is logged once, and only our own VMs are kept apart.
 *
 * Owns     our folder in the registry, and a timer that writes what has changed, once for each turn of the loop.
 * Thread   the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "base/buf.h"
#include "daemon/host_registry.h"
#include "store/manifest.h"

struct daemon;
struct err;
struct vm;

struct host_claims {
	struct daemon *d;
	struct host_registry registry;
	struct buf told; /* as it is on disk */
	bool is_begun;	 /* the fleet is loaded */
	bool is_out;	 /* said already that there is none */
	uv_timer_t timer;
};

/* Before anything else of it. */
void host_claims_init(struct host_claims *h, struct daemon *d);

/*
 * All of the fleet is loaded: open the registry, claim what our VMs have, and log whose of them another daemon has.
 * Claims that a daemon of ours left when it died are taken over.
 */
void host_claims_start(struct host_claims *h);

/* Write the last, close the handle.  What our VMs have stays claimed where they go on. */
void host_claims_stop(struct host_claims *h);

/* Something of the fleet has changed. */
void host_claims_wake(struct host_claims *h);

/* Does another daemon's VM have one of the @n ports?  Return: 0; ERR_CONFLICT that names it. */
int host_claims_check_ports(const struct daemon *d, const struct manifest_port *ports, size_t n,
			    struct err *e);

/* Mark each of the @n CIDs from @first on that another daemon's VM has: @taken[cid - first] becomes true. */
void host_claims_mark_cids(const struct daemon *d, uint32_t first, uint32_t n, bool *taken);

/*
 * Claim what the VM is to have, if that is not done yet.  It gets another CID if the one it has is another's.
 * Return: 0; ERR_CONFLICT; ERR_LIMIT.
 */
int host_claims_take(struct vm *vm, struct err *e);

/* Claim the ports of vm->staged too.  Return: 0; ERR_CONFLICT, and then the caller takes vm->staged back. */
int host_claims_take_staged(struct vm *vm, struct err *e);
