/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/world.h"

#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "gateway/routes.h"

int world_find_domain(const struct world *w, const char *name)
{
	size_t i;

	for (i = 0; i < w->config->n_domains; i++) {
		if (str_equal(w->config->domains[i].name, name))
			return (int)i;
	}
	return -1;
}

static void drop_sites(struct world_sites *s)
{
	size_t i;

	if (!s || --s->refs > 0)
		return;
	for (i = 0; i < s->n; i++)
		tls_site_deinit(&s->sites[i]);
	free(s);
}

static void drop_routes(struct world_routes *r)
{
	if (!r || --r->refs > 0)
		return;
	routes_free(r->routes);
	free(r);
}

struct world_text *world_text_ref(struct world_text *t)
{
	if (t)
		t->refs++;
	return t;
}

void world_text_unref(struct world_text *t)
{
	if (t && --t->refs == 0)
		free(t);
}

static void drop_tickets(struct world_tickets *t)
{
	if (!t || --t->refs > 0)
		return;
	tickets_wipe(&t->tickets);
	free(t);
}

static void drop_file(struct world_file *f)
{
	if (!f || --f->refs > 0)
		return;
	(void)fd_close(f->fd);
	free(f);
}

struct world *world_copy(const struct world *w)
{
	struct world *new = xmemdup(w, sizeof(*w));
	size_t i;

	new->version++;
	new->next = NULL;
	(void)gw_config_ref(new->config);
	if (new->access)
		new->access->refs++;
	if (new->sites)
		new->sites->refs++;
	if (new->routes)
		new->routes->refs++;
	for (i = 0; i < WORLD_TEXT_COUNT; i++)
		(void)world_text_ref(new->texts[i]);
	if (new->tickets)
		new->tickets->refs++;
	return new;
}

void world_free(struct world *w)
{
	size_t i;

	if (!w)
		return;
	gw_config_unref(w->config);
	drop_file(w->access);
	drop_sites(w->sites);
	drop_routes(w->routes);
	for (i = 0; i < WORLD_TEXT_COUNT; i++)
		world_text_unref(w->texts[i]);
	drop_tickets(w->tickets);
	free(w);
}

void world_set_config(struct world *w, const struct gw_config *c)
{
	const struct gw_config *old = w->config;

	w->config = gw_config_ref(c);
	gw_config_unref(old);
}

void world_set_access(struct world *w, int fd)
{
	drop_file(w->access);
	w->access = NULL;
	if (fd < 0)
		return;
	w->access = xnew(struct world_file);
	w->access->refs = 1;
	w->access->fd = fd;
}

void world_set_sites(struct world *w, struct world_sites *s)
{
	drop_sites(w->sites);
	s->refs = 1;
	w->sites = s;
}

void world_set_routes(struct world *w, struct routes *r)
{
	drop_routes(w->routes);
	w->routes = xnew(struct world_routes);
	w->routes->refs = 1;
	w->routes->routes = r;
}

void world_rotate_tickets(struct world *w)
{
	struct world_tickets *t = xnew(struct world_tickets);

	t->refs = 1;
	tickets_make(w->tickets ? &w->tickets->tickets : NULL, &t->tickets);
	drop_tickets(w->tickets);
	w->tickets = t;
}

void world_set_text(struct world *w, enum world_text_kind kind, const void *p, size_t n)
{
	struct world_text *t = NULL;

	if (n) {
		t = xcalloc(1, sizeof(*t) + n + 1);
		t->refs = 1;
		t->n = n;
		memcpy(t->bytes, p, n);
	}
	world_text_unref(w->texts[kind]);
	w->texts[kind] = t;
}
