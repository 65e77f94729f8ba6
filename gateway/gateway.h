/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway: the whole of it: workers, and the control thread that gives them their world
 *
 * The control thread runs a libuv loop: signals, files that change, DNS, the admin socket.  It never touches a client.
 *
 * Owns     the workers, the worlds that somebody may still look at, the resolver, the admin server.
 * Thread   its loop's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <uv.h>

#include "gateway/config.h"
#include "gateway/worker.h"
#include "gateway/world.h"

struct buf;
struct err;
struct http_server;
struct identity;
struct proof;
struct reload_report;
struct resolver;
struct routes_builder;
struct world;

enum {
	GATEWAY_SOURCES_MAX = 4,
	GATEWAY_ENDS_MAX = 4,
	GATEWAY_METRICS_MAX = 4,
	GATEWAY_RELOADERS_MAX = 4,
	GATEWAY_FILES_MAX = 2 * GW_DOMAINS_MAX + 4,
	GATEWAY_TICK_MS = 250,
	GATEWAY_PATIENT_MS =
		45 *
		1000, /* in which guests find out that their tunnels are dead, and make them anew */
	GATEWAY_LOOK_MS = 1000,
	GATEWAY_HOUR_MS = 3600 * 1000,
	GATEWAY_LAST_MS = 2000, /* at the end, for threads that wait for somebody's answer */
};

/* Who adds instances to each new snapshot: the file of routes, registrations.  Return: 0 or negative. */
typedef int (*gateway_source_fn)(struct routes_builder *b, void *arg, struct err *e);

/* Who has something to tell adds it. */
typedef void (*gateway_metrics_fn)(struct buf *b, void *arg);

/* There is another configuration, or the files that it names are read again.  Return: negative: something stays. */
typedef int (*gateway_reload_fn)(const struct gw_config *c, void *arg, struct err *e);

/* What a watched file was when it was last looked at. */
struct gateway_file {
	const char *path;
	struct timespec changed;
	ino_t inode;
	off_t size;
};

struct gateway {
	uv_loop_t *loop;
	const struct gw_config *config; /* one reference */
	const struct gw_config *first;	/* it began with; borrowed */
	struct worker_shared shared;
	struct worker *workers[GW_WORKERS_MAX];
	unsigned int n_workers;
	struct world *retired; /* newest first */
	struct resolver *resolver;
	struct http_server *admin;
	struct proof *proof;	   /* of domains' keys; NULL: nobody attests them */
	struct identity *identity; /* of services by TLS; NULL: there is none */
	struct {
		gateway_source_fn fn;
		void *arg;
	} sources[GATEWAY_SOURCES_MAX];
	size_t n_sources;
	struct gateway_file files[GATEWAY_FILES_MAX];
	size_t n_files;
	uv_timer_t tick, last;
	uv_signal_t term, intr, hup;
	uint64_t look_ms, rotate_ms, hour_ms,
		stop_ms; /* of the loop's clock: when it is next due; stop: the end of draining */
	uint64_t start_ms;
	struct {
		gateway_metrics_fn fn;
		void *arg;
	} metrics[GATEWAY_METRICS_MAX];
	size_t n_metrics;
	struct {
		gateway_reload_fn fn;
		void *arg;
	} reloaders[GATEWAY_RELOADERS_MAX];
	size_t n_reloaders;
	struct {
		void (*fn)(void *arg);
		void *arg;
	} ends[GATEWAY_ENDS_MAX];
	size_t n_ends;
	uint32_t n_reloads, n_failed_reloads;
	uint64_t last_reload_s;	     /* since 1970; 0: there was none */
	char last_reload_error[512]; /* "": it went well */
	bool is_draining, is_ending, has_handles, has_last;
	int access_fd; /* until the first world has it; -1: none */
	int exit_code;
};

/* @c lasts longer than @g.  Listen, open logs, become the configured user: what is read from now on is read as that user. */
int gateway_open(struct gateway *g, uv_loop_t *loop, const struct gw_config *c, struct err *e);

/* Load everything, begin. */
int gateway_start(struct gateway *g, struct err *e);

/* Neither, nor what came after, may fail without this: nothing runs any more; the loop ends. */
void gateway_give_up(struct gateway *g);

/* After the loop has ended. */
void gateway_deinit(struct gateway *g);

/* Accept nothing more; end when the connections have, or after timeouts.drain; at once if it was draining. */
void gateway_drain(struct gateway *g);

/* Who has instances to add says so before the start, and asks for a new snapshot when they are others. */
void gateway_add_source(struct gateway *g, gateway_source_fn fn, void *arg);
int gateway_rebuild_routes(struct gateway *g, struct err *e);

void gateway_add_metrics(struct gateway *g, gateway_metrics_fn fn, void *arg);

/* Whoever has handles on the loop closes them in @fn, once all clients are gone. */
void gateway_on_end(struct gateway *g, void (*fn)(void *arg), void *arg);

void gateway_on_reload(struct gateway *g, gateway_reload_fn fn, void *arg);

/*
 * Read configuration, certificates, keys, routes again.  A configuration that is wrong, or whose certificates are, changes
 * nothing; of the rest what is wrong stays as it was.  Says so in the log, and to *@ret (for reload_report_deinit())
 * unless it is NULL.  Return: was all right?
 */
bool gateway_reload(struct gateway *g, struct reload_report *ret);

/* What all look at from now on; @w is the gateway's then.  For reload. */
void gateway_publish(struct gateway *g, struct world *w);

/* What a page shows from now on; copied. */
void gateway_set_text(struct gateway *g, enum world_text_kind kind, const void *p, size_t n);

/* The world that is in use; the control thread may look at it as long as it does not go back to its loop. */
const struct world *gateway_world(const struct gateway *g);
