/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_registry: the folder in which the daemons of one host tell each other what their VMs have of it
 *
 * Each daemon has a folder of its own there, <folder>/<16 hex>/, with two files: "lock", which it holds (flock) for
 * life, and "claims" (store/claims.h), which it replaces.  A daemon that died leaves both: nobody holds the lock
 * then, and only what still runs counts.
 *
 * Owns     its own folder, and those that daemons of this user left behind.
 * Trusts   nothing in the folders of others: who may write there can claim anything, but no more than that.  The
 *	    kernel decides in the end who gets a CID or a port.  A folder that others than its owner may write to must
 *	    have the sticky bit.
 * Limits   HOST_REGISTRY_DAEMONS others are looked at.
 * Thread   one.  Nothing is synced: no reservation outlives the host's boot.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"

struct err;

enum { HOST_REGISTRY_DAEMONS = 256, HOST_REGISTRY_NAME = 16 };

struct host_registry {
	int folder, own, lock; /* -1: there is none */
	char name[HOST_REGISTRY_NAME + 1];
};

#define HOST_REGISTRY_NULL ((struct host_registry){ .folder = -1, .own = -1, .lock = -1 })

/* What another daemon left to be read.  Borrowed for the call. */
struct host_entry {
	const char *name;
	uid_t uid;
	bool is_locked; /* its daemon may live */
	struct buf claims;
};

/* Make @path if it is not there, and our folder in it.  Return: 0; else it is HOST_REGISTRY_NULL. */
int host_registry_open(struct host_registry *r, const char *path, struct err *e);

/* @keep: our claims stay, for VMs that go on; else they are taken away. */
void host_registry_close(struct host_registry *r, bool keep);

/* Replace our claims. */
int host_registry_write(const struct host_registry *r, const struct buf *claims, struct err *e);

/* Each other daemon's, until @fn says false.  Nothing where there is no folder. */
void host_registry_each(const struct host_registry *r,
			bool (*fn)(const struct host_entry *x, void *arg), void *arg);

/* Take away what a daemon of this user left. */
void host_registry_drop(const struct host_registry *r, const struct host_entry *x);
