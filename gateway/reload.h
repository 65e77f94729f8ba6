/* SPDX-License-Identifier: Apache-2.0 */
/* reload: files of certificates, keys, routes: read, and read again when they change */
#pragma once

#include <stdbool.h>

struct err;
struct gateway;
struct gw_config;
struct world;
struct routes;
struct world_sites;

/* Read what the configuration names into a world that has nothing yet.  Return: 0 or negative. */
int reload_first(struct gateway *g, struct world *w, struct err *e);

/* Has one of the files changed since it was last asked? */
bool reload_is_due(struct gateway *g);

/* The file that connections are told of in.  Return: 0 and an fd of the caller's, -1: there is none; or negative. */
int reload_open_access(const struct gw_config *c, int *ret, struct err *e);

/* The file's routes and those of all sources; loads are taken over from @w.  Return: 0 or negative. */
int reload_routes(struct gateway *g, const struct world *w, struct routes **ret, struct err *e);

/* Say which certificates end soon, or have ended. */
void reload_warn_of_ends(const struct gateway *g, const struct world_sites *s);
