/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm: one VM as the daemon knows it
 *
 * Owns     its manifest, state, events, folder descriptor, listener of the host API.
 * Invariant What is_running and state say changes only in operations of its queue and, for a guest that
 *	    ends by itself, in the hypervisor's event; what a guest reports never changes is_running.
 * Thread   the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/compose.h"
#include "daemon/restart.h"
#include "daemon/status.h"
#include "store/events.h"
#include "store/manifest.h"
#include "store/state.h"

struct daemon;
struct err;
struct hostapi_guest;
struct op;
struct stop;
struct vm_texts_kept;
struct vsock_watch;
struct watcher;

enum { VM_SHORT_ID = 8 };

struct vm {
	struct daemon *d;
	struct vm *next; /* in the fleet, in order of creation */
	struct manifest manifest;
	struct vm_state state;
	struct restart restart; /* restarter.h; written to the state by it */
	struct events events;
	int dirfd;
	char short_id[VM_SHORT_ID + 1]; /* names its sockets; unique in the fleet */
	bool is_running;		/* it has a process, or is being given one */
	bool is_removing;		/* RemoveVm was accepted: no other operation is */
	bool is_marking;		/* .removing is on its way to the disk */
	bool is_tidying;		/* tidy.c */
	bool has_removal;		/* the operation is in the queue */
	char *unusable; /* it is shown, and nothing is done to it; why.  NULL: it is ours to run */
	bool is_hidden; /* being created: counts for ids, ports and CIDs, but is not shown */
	pid_t qemu_pid; /* 0: not known */
	bool has_cid, has_ports; /* host_claims.h: no other VM of this host has claimed them */
	pid_t known_pid;	 /* host_claims.c: the process that began at known_start */
	uint64_t known_start;
	uint64_t sv_removed; /* api_sv.c: the boot whose process is not listed any more; 0: none */

	/* An update: its manifest until it is in place; and the ports that the running QEMU has from before. */
	const struct manifest *staged;
	struct manifest_port *booted_ports;
	size_t n_booted_ports;

	/* What the guest reported of this boot; never NULL. */
	char *boot_progress, *boot_error, *shutdown_progress;
	char instance_id[41]; /* hex, from .instance_info; "" if none */

	/* Known from the image and the compose file when it was loaded or last started. */
	char *image_version;
	struct compose_gateway gateway;
	struct manifest_list
		started_gateways; /* gateways.h: what its guest was given, if it runs */

	struct vm_texts_kept *texts; /* vm_texts.h; never NULL */

	int64_t console_seen_ms;	/* console_hint.h */
	uint64_t n_guest_calls;		/* of the host API, in this life of the daemon */
	uint64_t log_window_ms;		/* notices.c: when the present ration of log lines began */
	unsigned int n_logged;		/* and how much of it is used */
	struct op *queue;		/* op.h */
	struct stop *stop;		/* stop.c; NULL: none is asked for */
	struct vsock_watch *carrier;	/* hostlink.c; NULL: it has no process that is watched */
	struct hostapi_guest *host_api; /* where it calls us; NULL while it does not run */
	struct watcher *watchers;	/* api_events.c */
	uint64_t n_fed;			/* the last seq that the daemon's feed has */
	bool is_writing_info;		/* notices.c: .instance_info is on its way to the disk */
	char *next_info;		/* and this is to follow it, or waits for room */
};

/* A VM whose folder is @dirfd (taken over; -1: there is none yet).  @m and @s are taken over. */
struct vm *vm_new(struct daemon *d, struct manifest *m, const struct vm_state *s, int dirfd);
void vm_free(struct vm *vm);

/* Open its events and tell from them and .instance_info what the guest last reported. */
int vm_load_reports(struct vm *vm, struct err *e);

/* Learn from the compose file and the image what the API shows; what cannot be read is left as unknown. */
void vm_load_facts(struct vm *vm);

enum vm_status vm_status_of(const struct vm *vm);

/* Does it run with what it was before it was updated? */
bool vm_is_outdated(const struct vm *vm);

/* It is shown, and nothing is done to it or to its folder. */
void vm_make_unusable(struct vm *vm, const char *why);

/* Keep an event of ours ("vmm.started") and log it. */
void vm_note(struct vm *vm, const char *name, const char *body);

/* Replace a string it owns. */
void vm_set(char **field, const char *value);
