/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet: all VMs of the daemon, and what they may not share: ids, names, CIDs, host ports
 *
 * Thread   the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/manifest.h"

struct daemon;
struct err;
struct vm;

struct fleet {
	struct vm *first; /* in order of creation */
	size_t n;
};

/* Insert in order.  The fleet owns it. */
void fleet_add(struct fleet *f, struct vm *vm);

/* Unlink and free. */
void fleet_drop(struct fleet *f, struct vm *vm);
void fleet_free(struct fleet *f);

/* By id; hidden ones are not found.  NULL: none. */
struct vm *fleet_find(const struct fleet *f, const char *id);

/* By the CID of its vsock, if it runs. */
struct vm *fleet_find_cid(const struct fleet *f, uint32_t cid);

/* An id that no VM has and whose short form no VM has. */
void fleet_new_id(const struct fleet *f, char ret[static VM_ID_MAX + 1]);

/*
 * The lowest CID of the pool that no VM has, stopped ones included, and that is not in @taken ([n]; NULL: none is).
 * Return: 0; ERR_LIMIT.
 */
int fleet_new_cid(const struct fleet *f, uint32_t first, uint32_t n, const bool *taken,
		  uint32_t *ret, struct err *e);

/*
 * Does another VM have this name, also one that is being created, but not one that is being removed?  "" is
 * nobody's.  Return: 0; ERR_CONFLICT that has VM_NAME_TAKEN.
 */
int fleet_check_name(const struct fleet *f, const char *name, struct err *e);

/* Does a port of @m collide with one of another VM, running or not?  Return: 0; ERR_CONFLICT that names it. */
int fleet_check_ports(const struct fleet *f, const struct manifest *m, struct err *e);

/* The same among those that run: two that have one port on file are not both started. */
int fleet_check_used_ports(const struct fleet *f, const struct manifest *m, struct err *e);
