/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world: all that a worker looks at and never changes: settings, routes, certificates, ticket keys; swapped as a whole
 *
 * The control thread makes a new one and publishes it with a higher version.  A worker looks once a turn of its loop and
 * says which version it saw; a world is freed when all have seen a later one.  Its parts are shared by worlds and
 * counted, on the control thread alone.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gateway/config.h"
#include "gateway/tls_site.h"
#include "gateway/tls_tickets.h"

struct routes;

struct world_sites {
	unsigned int refs;
	size_t n;
	struct tls_site sites[GW_DOMAINS_MAX]; /* in the order of the configuration's domains */
};

struct world_routes {
	unsigned int refs;
	struct routes *routes;
};

struct world_tickets {
	unsigned int refs;
	struct tickets tickets;
};

/* What pages show. */
enum world_text_kind {
	WORLD_ACME_INFO, /* JSON; always there */
	WORLD_APP_INFO,	 /* JSON; NULL: the agent has not said yet */
	WORLD_DEV_CA,	 /* PEM; NULL: there is no development authority */
	WORLD_TEXT_COUNT,
};

struct world_text {
	unsigned int refs;
	size_t n;
	char bytes[];
};

struct world_file {
	unsigned int refs;
	int fd;
};

struct world {
	uint64_t version;
	const struct gw_config *config; /* one reference */
	struct world_file *access;	/* NULL: there is no access log */
	struct world_sites *sites;
	struct world_routes *routes;
	struct world_text *texts[WORLD_TEXT_COUNT];
	struct world_tickets *tickets;
	struct world *next; /* of those that wait for their end */
};

/* The domain's place in the configuration, or -1. */
int world_find_domain(const struct world *w, const char *name);

/* A world of the same parts, each counted once more, for one of them to be replaced. */
struct world *world_copy(const struct world *w);
void world_free(struct world *w);

/* Counted once more. */
void world_set_config(struct world *w, const struct gw_config *c);
/* Taken over in every case; -1: none. */
void world_set_access(struct world *w, int fd);
void world_set_sites(struct world *w, struct world_sites *s);
void world_set_routes(struct world *w, struct routes *r);
/* A further key; the first if there is none. */
void world_rotate_tickets(struct world *w);

/* On the control thread.  NULL is allowed. */
struct world_text *world_text_ref(struct world_text *t);
void world_text_unref(struct world_text *t);

/* @n bytes, copied; n 0: there is none. */
void world_set_text(struct world *w, enum world_text_kind kind, const void *p, size_t n);
