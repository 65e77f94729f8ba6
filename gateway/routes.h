/* SPDX-License-Identifier: Apache-2.0 */
/*
 * routes: which instances an app has, where they are and which ports they let in: a snapshot that never changes
 *
 * Built aside by routes_builder_*(), then swapped in whole (world.h).  A reader needs no lock: it looks at the snapshot
 * that it found when its loop turned, which lives until every loop has turned again.
 *
 * Owns     all of its memory; holds a reference to each load.
 * Limits   ROUTES_INSTANCES_MAX; ROUTES_PORTS_MAX ports a policy.
 * Thread   a builder: one.  A snapshot: any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>

#include "gateway/load.h"

struct err;
struct routes;
struct routes_builder;

enum { ROUTES_INSTANCES_MAX = 1000000, ROUTES_PORTS_MAX = 64 };

struct route_port {
	uint16_t port;
	bool wants_proxy_header;
};

/* What an app's compose says of its ports.  Nothing known: nothing is let in. */
struct route_policy {
	bool is_known, is_restricted; /* restricted: the listed ports only */
	uint8_t n;
	struct route_port ports[ROUTES_PORTS_MAX];
};

bool route_policy_is_same(const struct route_policy *a, const struct route_policy *b);

struct route_instance {
	const char *app_id, *id; /* 1 to 63 bytes of a-z 0-9 _; an instance's id may be its app's */
	bool is_v6;
	uint8_t address[16]; /* 4 or 16 bytes */
	bool is_ready;	     /* false: chosen only if it is asked for by its own id */
	bool is_doubted;     /* its tunnel is silent: chosen only if no other may be */
	struct route_policy policy;
};

/* What a look-up finds; all borrowed from the snapshot. */
struct route_target {
	struct load *load; /* of the instance */
	uint8_t address[16];
	bool is_v6, is_ready, is_doubted;
	const struct route_policy *policy;
};

struct route_app {
	struct load *load;
	const struct route_target *targets;
	uint32_t n;
};

/* @old: the snapshot that is in use, whose loads are taken over; NULL: none. */
struct routes_builder *routes_builder_new(const struct routes *old);
void routes_builder_free(struct routes_builder *b);

/* Copied.  Return: 0; ERR_INPUT, ERR_LIMIT, -ENOMEM. */
int routes_builder_add(struct routes_builder *b, const struct route_instance *in, struct err *e);

/* The snapshot, the caller's; the builder is gone in every case.  Return: 0; ERR_CONFLICT: two instances of one id. */
int routes_builder_finish(struct routes_builder *b, struct routes **ret, struct err *e);

/* NULL is allowed. */
void routes_free(struct routes *r);

/*
 * The instances for an id: of one instance, if it is an instance's; else of an app.  Return: is there such an id?
 */
bool routes_find(const struct routes *r, const char *id, size_t n_id, struct route_app *ret);

size_t routes_n_apps(const struct routes *r);
size_t routes_n_instances(const struct routes *r);
size_t routes_n_ready(const struct routes *r); /* of the instances */

/* Call @fn for each app. */
void routes_each(const struct routes *r, void (*fn)(const struct route_app *app, void *arg),
		 void *arg);

/* The @i-th instance, by app and then by id, as routes_find() finds it; @i < routes_n_instances(). */
void routes_at(const struct routes *r, size_t i, struct route_app *ret);

/* How many instances come before @id of @app_id in that order, of which it need not be one. */
size_t routes_n_before(const struct routes *r, const char *app_id, const char *id);

/* May clients come to @port?  *@ret_proxy: is a PROXY header to go ahead of them? */
bool route_policy_allows(const struct route_policy *p, uint16_t port, bool *ret_proxy);

/* Is it an id: 1 to 63 bytes of a-z 0-9 _? */
bool route_id_is_valid(const char *id);
