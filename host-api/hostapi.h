/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostapi: what guests may ask their host: Info, Notify, GetSealingKey
 *
 * Owns     an HTTP server for each guest, so that what one does is paid by its own limits; the listener of
 *	    the kernel's vsock.
 * Borrows  the loop and the key provider; both outlive it.
 * Trusts   nothing a guest says.  Who it is, is the socket it came by: the unix socket of its VM, or the
 *	    CID that the kernel reports, looked up afresh for each connection.
 * Limits   for each guest: HOSTAPI_CONNS_MAX connections, HOSTAPI_RATE requests a second (HOSTAPI_BURST at
 *	    once), HOSTAPI_SHARE percent of the thread, HOSTAPI_BODIES_MAX bytes of bodies, HOSTAPI_IDLE_S to
 *	    complete a request, one GetSealingKey at a time and one a second.
 *	    Worst case held: 16 x 32 KiB + 2.6 MiB, about 3.1 MiB a guest, and 5 MiB more while the largest
 *	    quote is relayed.
 * Thread   the loop's.
 * Wire     POST or GET /api/<Method>, dstack's prpc (lib/rpc).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <uv.h>

#include "host-api/carrier.h"

struct err;
struct hostapi;
struct hostapi_guest;
struct key_provider;

enum {
	HOSTAPI_CONNS_MAX = 16,
	HOSTAPI_IDLE_S = 30,
	HOSTAPI_RATE = 50,
	HOSTAPI_BURST = 100,
	HOSTAPI_SHARE = 5,
	HOSTAPI_SEALINGS = 1, /* GetSealingKey a second */
	HOSTAPI_SEALINGS_BURST = 4,
	HOSTAPI_BODY_MAX = 64 * 1024,
	HOSTAPI_QUOTE_BODY_MAX = 2 * 1024 * 1024 + HOSTAPI_BODY_MAX, /* 1 MiB in hex */
	HOSTAPI_BODIES_MAX = HOSTAPI_QUOTE_BODY_MAX + 512 * 1024,
	HOSTAPI_EVENT_MAX = 64, /* bytes of an event's name; longer: refused */
	HOSTAPI_PAYLOAD_MAX =
		4096, /* longer: dropped, and the guest is told that all is well, as dstack does */
	HOSTAPI_GUESTS_MAX = 4096,
};

struct hostapi_options {
	/*
	 * A guest reports.  @event and @payload are UTF-8 and borrowed; @generation is of the boot that the
	 * socket belongs to.  Return: 0, or negative: the guest is told "VM not found".
	 */
	int (*on_notify)(void *ctx, const char *vm_id, uint64_t generation, const char *event,
			 const char *payload);
	/* A guest asks, whatever; before it is answered, if at all.  NULL: nobody counts. */
	void (*on_call)(void *ctx, const char *vm_id);
	/* Which VM has this CID now?  Kernel carrier only, else NULL.  Return: false for none. */
	bool (*find_cid)(void *ctx, uint32_t cid, struct carrier_peer *ret);
	void *ctx;
	struct key_provider *key_provider;	   /* NULL: "Key provider is not enabled" */
	unsigned int conns_max, rate_per_s, burst; /* of each guest; 0: the limits above */
};

int hostapi_start(struct hostapi **ret, uv_loop_t *loop, const struct hostapi_options *o,
		  struct err *e);

/* Stops every guest's server too, those given out by hostapi_guest_start() as well. */
void hostapi_stop(struct hostapi *h, void (*done)(void *arg), void *arg);

/* Serve one VM on @fd (from carrier_listen_unix(); taken over in every case) for one boot. */
int hostapi_guest_start(struct hostapi_guest **ret, struct hostapi *h,
			const struct carrier_peer *peer, int fd, struct err *e);
void hostapi_guest_stop(struct hostapi_guest *g, void (*done)(void *arg), void *arg);

/* Serve every VM of the kernel's vsock on @fd (from carrier_listen_kernel(); taken over). */
int hostapi_listen_kernel(struct hostapi *h, int fd, struct err *e);

/* Serve one accepted connection of CID @cid (taken over): what hostapi_listen_kernel() does with each. */
int hostapi_add(struct hostapi *h, int fd, uint32_t cid, struct err *e);
