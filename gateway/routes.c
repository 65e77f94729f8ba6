/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of slots, found by the hash of an id with linear steps, holds apps and instances alike; targets lie in one
 * array in which those of an app are neighbours.  Policies that are the same are kept once.
 *
 * An id that an app and an instance share is the instance's, as it is for dstack; where it is the app's only instance
 * that makes no difference.
 */
#include "gateway/routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"

struct slot {
	const char *id; /* of the load; NULL: free */
	uint32_t hash;
	bool is_app;
	struct load *app;  /* of the app, also for an instance */
	uint32_t first, n; /* in targets */
};

struct routes {
	struct slot *slots;
	size_t n_slots; /* a power of two */
	struct route_target *targets;
	size_t n_targets, n_apps, n_ready;
	struct load **apps;
	struct route_policy **policies;
	size_t n_policies;
	uint64_t seed;
};

struct added {
	char app_id[LOAD_ID_MAX + 1], id[LOAD_ID_MAX + 1];
	struct route_target target; /* without its load */
	const struct route_policy *policy;
};

struct routes_builder {
	const struct routes *old;
	struct added *list;
	size_t n, cap;
	struct route_policy **policies;
	size_t n_policies, cap_policies;
};

static uint32_t hash_of(uint64_t seed, const char *id, size_t n)
{
	uint64_t h = seed ^ 0xcbf29ce484222325U;
	size_t i;

	for (i = 0; i < n; i++)
		h = (h ^ (uint8_t)id[i]) * 0x100000001b3U;
	h ^= h >> 29;
	return (uint32_t)(h ^ h >> 32);
}

static const struct slot *find(const struct routes *r, const char *id, size_t n, bool is_app)
{
	uint32_t hash = hash_of(r->seed, id, n);
	size_t i;

	for (i = hash & (r->n_slots - 1); r->slots[i].id; i = (i + 1) & (r->n_slots - 1)) {
		const struct slot *s = &r->slots[i];

		if (s->hash == hash && s->is_app == is_app && strncmp(s->id, id, n) == 0 &&
		    s->id[n] == 0)
			return s;
	}
	return NULL;
}

static void put(struct routes *r, const struct slot *s)
{
	size_t i = s->hash & (r->n_slots - 1);

	while (r->slots[i].id)
		i = (i + 1) & (r->n_slots - 1);
	r->slots[i] = *s;
}

bool routes_find(const struct routes *r, const char *id, size_t n_id, struct route_app *ret)
{
	const struct slot *s = find(r, id, n_id, false);

	if (!s)
		s = find(r, id, n_id, true);
	if (!s)
		return false;
	*ret = (struct route_app){ .load = s->app, .targets = r->targets + s->first, .n = s->n };
	return true;
}

size_t routes_n_apps(const struct routes *r)
{
	return r->n_apps;
}

size_t routes_n_instances(const struct routes *r)
{
	return r->n_targets;
}

size_t routes_n_ready(const struct routes *r)
{
	return r->n_ready;
}

void routes_each(const struct routes *r, void (*fn)(const struct route_app *app, void *arg),
		 void *arg)
{
	size_t i;

	for (i = 0; i < r->n_slots; i++) {
		const struct slot *s = &r->slots[i];
		struct route_app app = { .load = s->app,
					 .targets = r->targets + s->first,
					 .n = s->n };

		if (s->id && s->is_app)
			fn(&app, arg);
	}
}

void routes_at(const struct routes *r, size_t i, struct route_app *ret)
{
	const char *id = r->targets[i].load->id;

	(void)routes_find(r, id, strlen(id), ret);
}

size_t routes_n_before(const struct routes *r, const char *app_id, const char *id)
{
	size_t low = 0, high = r->n_targets, mid;
	struct route_app at;
	int c;

	while (low < high) {
		mid = low + (high - low) / 2;
		routes_at(r, mid, &at);
		c = strcmp(at.load->id, app_id);
		if (c == 0)
			c = strcmp(at.targets[0].load->id, id);
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

bool route_policy_allows(const struct route_policy *p, uint16_t port, bool *ret_proxy)
{
	size_t i;

	*ret_proxy = false;
	for (i = 0; i < p->n; i++) {
		if (p->ports[i].port == port) {
			*ret_proxy = p->ports[i].wants_proxy_header;
			return p->is_known;
		}
	}
	return p->is_known && !p->is_restricted;
}

bool route_id_is_valid(const char *id)
{
	size_t n = strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789_");

	return n > 0 && n <= LOAD_ID_MAX && id[n] == 0;
}

struct routes_builder *routes_builder_new(const struct routes *old)
{
	struct routes_builder *b = xnew(struct routes_builder);

	b->old = old;
	return b;
}

void routes_builder_free(struct routes_builder *b)
{
	size_t i;

	if (!b)
		return;
	for (i = 0; i < b->n_policies; i++)
		free(b->policies[i]);
	free(b->policies);
	free(b->list);
	free(b);
}

/* Make room for one more of @size bytes.  Return: is there? */
static bool grow(void *list, size_t n, size_t *cap, size_t size)
{
	void **at = list;
	size_t want = *cap ? *cap * 2 : 16;
	void *p;

	if (n < *cap)
		return true;
	p = reallocarray(*at, want, size);
	if (!p)
		return false;
	*at = p;
	*cap = want;
	return true;
}

bool route_policy_is_same(const struct route_policy *a, const struct route_policy *b)
{
	size_t i;

	if (a->is_known != b->is_known || a->is_restricted != b->is_restricted || a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++) {
		if (a->ports[i].port != b->ports[i].port ||
		    a->ports[i].wants_proxy_header != b->ports[i].wants_proxy_header)
			return false;
	}
	return true;
}

/* Most apps have the policy of those added just before. */
static const struct route_policy *keep_policy(struct routes_builder *b,
					      const struct route_policy *p)
{
	size_t i, back = b->n_policies < 8 ? b->n_policies : 8;

	for (i = 1; i <= back; i++) {
		if (route_policy_is_same(b->policies[b->n_policies - i], p))
			return b->policies[b->n_policies - i];
	}
	if (!grow(&b->policies, b->n_policies, &b->cap_policies, sizeof(*b->policies)))
		return NULL;
	b->policies[b->n_policies] = xmemdup(p, sizeof(*p));
	return b->policies[b->n_policies++];
}

int routes_builder_add(struct routes_builder *b, const struct route_instance *in, struct err *e)
{
	struct added *a;

	if (!route_id_is_valid(in->app_id) || !route_id_is_valid(in->id)) {
		return err_set(e, ERR_INPUT,
			       "an app's or instance's id is not 1 to %d of a-z, 0-9 and _",
			       LOAD_ID_MAX);
	}
	if (in->policy.n > ROUTES_PORTS_MAX)
		return err_set(e, ERR_LIMIT, "app %s: more than %d ports in its policy", in->app_id,
			       ROUTES_PORTS_MAX);
	if (b->n >= ROUTES_INSTANCES_MAX)
		return err_set(e, ERR_LIMIT, "more than %d instances", ROUTES_INSTANCES_MAX);
	if (!grow(&b->list, b->n, &b->cap, sizeof(*b->list)))
		return err_set(e, -ENOMEM, "no memory for %zu instances", b->n);
	a = &b->list[b->n];
	*a = (struct added){ .policy = keep_policy(b, &in->policy) };
	if (!a->policy)
		return err_set(e, -ENOMEM, "no memory for %zu instances", b->n);
	(void)str_copy(a->app_id, sizeof(a->app_id), in->app_id);
	(void)str_copy(a->id, sizeof(a->id), in->id);
	memcpy(a->target.address, in->address, sizeof(a->target.address));
	a->target.is_v6 = in->is_v6;
	a->target.is_ready = in->is_ready;
	a->target.is_doubted = in->is_doubted;
	b->n++;
	return 0;
}

static int by_app(const void *a, const void *b)
{
	const struct added *x = a, *y = b;
	int by_app_id = strcmp(x->app_id, y->app_id);

	return by_app_id ? by_app_id : strcmp(x->id, y->id);
}

/* The load of the same id in the snapshot before, or a new one. */
static struct load *inherit(const struct routes *old, const char *id, bool is_app)
{
	const struct slot *s = old ? find(old, id, strlen(id), is_app) : NULL;

	if (!s)
		return load_new(id);
	return load_ref(is_app ? s->app : old->targets[s->first].load);
}

/* Return: 0, or ERR_CONFLICT; what was added then is freed with the rest. */
static int add_app(struct routes *r, const struct routes_builder *b, size_t first, size_t n,
		   struct err *e)
{
	const struct added *a = &b->list[first];
	struct load *app = inherit(b->old, a->app_id, true);
	struct slot s = { .id = app->id,
			  .is_app = true,
			  .app = app,
			  .first = (uint32_t)first,
			  .n = (uint32_t)n };
	size_t i;

	s.hash = hash_of(r->seed, app->id, strlen(app->id));
	put(r, &s);
	r->apps[r->n_apps++] = app;
	for (i = first; i < first + n; i++) {
		struct route_target *t = &r->targets[i];
		struct slot one = { .app = app, .first = (uint32_t)i, .n = 1 };

		*t = b->list[i].target;
		t->policy = b->list[i].policy;
		r->n_ready += t->is_ready;
		if (find(r, b->list[i].id, strlen(b->list[i].id), false))
			return err_set(e, ERR_CONFLICT, "there are two instances of the id %s",
				       b->list[i].id);
		t->load = inherit(b->old, b->list[i].id, false);
		one.id = t->load->id;
		one.hash = hash_of(r->seed, one.id, strlen(one.id));
		put(r, &one);
	}
	return 0;
}

int routes_builder_finish(struct routes_builder *b, struct routes **ret, struct err *e)
{
	struct routes *r = xnew(struct routes);
	size_t i, n;
	int rc = 0;

	if (b->n)
		qsort(b->list, b->n, sizeof(*b->list), by_app);
	secret_random(&r->seed, sizeof(r->seed));
	for (r->n_slots = 16; r->n_slots < b->n * 4; r->n_slots *= 2)
		;
	r->slots = xcalloc(r->n_slots, sizeof(*r->slots));
	r->targets = xcalloc(b->n + 1, sizeof(*r->targets));
	r->apps = xcalloc(b->n + 1, sizeof(void *));
	r->n_targets = b->n;
	for (i = 0; i < b->n && !rc; i += n) {
		for (n = 1; i + n < b->n && str_equal(b->list[i].app_id, b->list[i + n].app_id);
		     n++)
			;
		rc = add_app(r, b, i, n, e);
	}
	r->policies = steal_ptr(&b->policies);
	r->n_policies = b->n_policies;
	b->n_policies = 0;
	routes_builder_free(b);
	if (rc) {
		routes_free(r);
		return rc;
	}
	*ret = r;
	return 0;
}

void routes_free(struct routes *r)
{
	size_t i;

	if (!r)
		return;
	for (i = 0; i < r->n_apps; i++)
		load_unref(r->apps[i]);
	for (i = 0; i < r->n_targets; i++)
		load_unref(r->targets[i].load);
	for (i = 0; i < r->n_policies; i++)
		free(r->policies[i]);
	free(r->policies);
	free(r->apps);
	free(r->targets);
	free(r->slots);
	free(r);
}
