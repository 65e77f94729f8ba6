/* SPDX-License-Identifier: Apache-2.0 */
/*
 * daemon: what all parts of baileyd share, and its life from the lock to the last handle
 *
 * Owns     the lock on the state folder, the hypervisor, the API's server, the fleet.
 * Thread   the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <uv.h>

#include "base/err.h"
#include "daemon/audit.h"
#include "daemon/discovery.h"
#include "daemon/feed.h"
#include "daemon/fleet.h"
#include "daemon/host_claims.h"
#include "daemon/log_keeper.h"
#include "daemon/pulls.h"
#include "daemon/restarter.h"
#include "domain/domain_xml.h"

struct agent_probe;
struct api_auth;
struct app_key;
struct config;
struct counts;
struct health;
struct disk_guard;
struct hostapi;
struct http_client;
struct http_server;
struct hypervisor;
struct image_cache;
struct key_provider;
struct log_stream;
struct proxied;

struct daemon {
	uv_loop_t *loop;
	const struct config *config;
	struct fleet fleet;
	struct feed feed;
	struct host_claims claims;
	int lock_fd;	      /* of the state folder, held for life */
	int vm_root;	      /* <state>/vm */
	const char *sysfs;    /* "/sys" */
	char *image_dir;      /* <state>/image */
	char *vsock_program;  /* what is run for each VM; NULL: the kernel carries vsock */
	bool is_bailey_vsock; /* it takes bailey-vsock's options */
	enum domain_vsock vsock;
	const char *vsock_why;
	char vsock_missing[256]; /* why there is none; "" if there is one */
	struct image_cache *images;
	struct pulls pulls;
	struct hypervisor *hypervisor;
	struct hostapi *host_api;
	struct key_provider *key_provider; /* NULL: not enabled */
	struct http_client *http;
	struct http_server *api;
	struct http_server *api_tcp;	/* NULL: only the unix socket */
	struct discovery discovery;	/* how clients find us */
	struct audit audit;		/* who changed what */
	struct counts *counts;		/* what was done, for /metrics */
	struct health *health;		/* api_health.c; NULL: nobody asked yet */
	struct api_auth *auth;		/* NULL: TCP without authentication, or none */
	uv_signal_t on_hup;		/* api_tcp.c */
	struct proxied *proxied;	/* guest_proxy.c */
	struct app_key *app_keys;	/* app_key.c */
	struct agent_probe *probes;	/* agent_probe.c */
	struct log_stream *log_streams; /* logs.c */
	unsigned int n_log_streams, n_watchers;
	unsigned int n_compiles;    /* console_compile.c */
	uint64_t refusal_logged_ms; /* api.c; 0: never */
	unsigned int n_busy;	    /* VMs with operations in their queue */
	bool is_host_down; /* host_down.c: each VM is being stopped, and is wanted again afterwards */
	bool is_stopping, is_closing;
	uv_signal_t on_term, on_int, on_power;
	struct log_keeper logs;
	struct restarter restarts;
	struct disk_guard *disk;
	uv_timer_t late;     /* when strays are looked for once more */
	uv_timer_t watchdog; /* says to the service manager that the loop turns */
	uv_timer_t patience; /* how long operations may take to end when we are asked to */
	int exit_code;
};

/**
 * daemon_start() - take the state folder, then open the hypervisor, adopt VMs, serve
 *
 * What happens after the call returned is logged; if it fails the loop ends and exit_code is 1.
 *
 * Return: 0, or negative; then the loop runs dry.  daemon_deinit() follows in both cases, after the loop.
 */
int daemon_start(struct daemon *d, uv_loop_t *loop, const struct config *c, struct err *e);

/* End as on SIGTERM: VMs stay as they are.  Idempotent. */
void daemon_stop(struct daemon *d);

/* An operation ended: if the daemon waits for the last one, go on. */
void daemon_idle(struct daemon *d);

/* Free what is left, when the loop has ended. */
void daemon_deinit(struct daemon *d);
