/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instances lie in slots that never move; three arrays of slot numbers are kept in order: by id, by key, and by app (then
 * id).  Addresses are a bitmap: the lowest free one is given out.
 */
#include "gateway/registry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

enum { KEY_TEXT = 44, BITS = 64 };

enum order { BY_ID, BY_KEY, BY_APP, N_ORDERS };

struct registry {
	struct registry_options o;
	struct registry_instance **slots; /* NULL: free */
	uint32_t *orders[N_ORDERS];
	uint32_t *free_slots;
	size_t n, n_free, n_unknown, max;
	struct overrides overrides;
	uint64_t *taken; /* a bit for each address from first on */
};

static int compare(enum order by, const struct registry_instance *a,
		   const struct registry_instance *b)
{
	int c;

	if (by == BY_KEY)
		return memcmp(a->key, b->key, REGISTRY_KEY);
	c = by == BY_APP ? strcmp(a->app_id, b->app_id) : 0;
	return c ? c : strcmp(a->id, b->id);
}

/* The first place whose instance is not less than @what. */
static size_t lower(const struct registry *r, enum order by, const struct registry_instance *what)
{
	size_t low = 0, high = r->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (compare(by, r->slots[r->orders[by][mid]], what) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct registry_instance *find(const struct registry *r, enum order by,
				      const struct registry_instance *what)
{
	size_t at = lower(r, by, what);
	struct registry_instance *in = at < r->n ? r->slots[r->orders[by][at]] : NULL;

	return in && compare(by, in, what) == 0 ? in : NULL;
}

static struct registry_instance *find_id(const struct registry *r, const char *id)
{
	struct registry_instance what = { .address = 0 };

	return str_copy(what.id, sizeof(what.id), id) < 0 ? NULL : find(r, BY_ID, &what);
}

static size_t count_of_app(const struct registry *r, const char *app_id)
{
	struct registry_instance what = { .address = 0 };
	size_t from;

	(void)str_copy(what.app_id, sizeof(what.app_id), app_id);
	from = lower(r, BY_APP, &what);
	what.id[0] = '~'; /* after every id, which are hex */
	return lower(r, BY_APP, &what) - from;
}

struct registry *registry_new(const struct registry_options *o)
{
	struct registry *r = xnew(struct registry);
	size_t n_addresses = (size_t)o->last - o->first + 1, i;

	assert(o->first <= o->last && o->most > 0 && o->most_per_app > 0);
	r->o = *o;
	r->max = o->most < n_addresses ? o->most : n_addresses;
	r->max = r->max < REGISTRY_MAX ? r->max : REGISTRY_MAX;
	r->slots = xcalloc(r->max, sizeof(struct registry_instance *));
	r->free_slots = xcalloc(r->max, sizeof(uint32_t));
	for (i = 0; i < N_ORDERS; i++)
		r->orders[i] = xcalloc(r->max, sizeof(uint32_t));
	for (i = 0; i < r->max; i++)
		r->free_slots[r->n_free++] = (uint32_t)(r->max - 1 - i);
	r->taken = xcalloc((n_addresses + BITS - 1) / BITS, sizeof(uint64_t));
	return r;
}

void registry_free(struct registry *r)
{
	size_t i;

	if (!r)
		return;
	for (i = 0; i < r->max; i++)
		free(r->slots[i]);
	for (i = 0; i < N_ORDERS; i++)
		free(r->orders[i]);
	overrides_deinit(&r->overrides);
	free(r->slots);
	free(r->free_slots);
	free(r->taken);
	free(r);
}

static bool is_in_range(const struct registry *r, uint32_t address)
{
	return address >= r->o.first && address <= r->o.last && address != r->o.own;
}

static bool is_taken(const struct registry *r, uint32_t address)
{
	uint32_t i = address - r->o.first;

	return r->taken[i / BITS] >> (i % BITS) & 1;
}

static void mark(struct registry *r, uint32_t address, bool is_used)
{
	uint32_t i = address - r->o.first;
	uint64_t bit = UINT64_C(1) << (i % BITS);

	if (is_used)
		r->taken[i / BITS] |= bit;
	else
		r->taken[i / BITS] &= ~bit;
}

/* The lowest free address, or 0. */
static uint32_t free_address(const struct registry *r)
{
	uint64_t n = (uint64_t)r->o.last - r->o.first + 1, i = 0;

	while (i < n) {
		if (i % BITS == 0 && r->taken[i / BITS] == UINT64_MAX) {
			i += BITS;
			continue;
		}
		if (is_in_range(r, r->o.first + (uint32_t)i) &&
		    !is_taken(r, r->o.first + (uint32_t)i))
			return r->o.first + (uint32_t)i;
		i++;
	}
	return 0;
}

static int read_key(const struct registry *r, const char *text, uint8_t ret[static REGISTRY_KEY],
		    struct err *e)
{
	static const uint8_t zero[REGISTRY_KEY];
	uint8_t key[KEY_TEXT];

	if (strlen(text) != KEY_TEXT || base64_decode(key, text, KEY_TEXT) != REGISTRY_KEY)
		return err_set(e, ERR_INPUT,
			       "client_public_key is not a WireGuard key: base64 of 32 bytes");
	if (memcmp(key, zero, REGISTRY_KEY) == 0 || memcmp(key, r->o.own_key, REGISTRY_KEY) == 0)
		return err_set(e, ERR_INPUT, "client_public_key is not an instance's: it is %s",
			       memcmp(key, zero, REGISTRY_KEY) != 0 ? "the gateway's" : "all zero");
	memcpy(ret, key, REGISTRY_KEY);
	return 0;
}

static bool is_hex(const char *s, size_t n)
{
	return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

static int check_ids(const char *id, const char *app_id, const char *compose_hash, struct err *e)
{
	if (!*app_id)
		return err_set(e, ERR_INPUT, "[%.40s] app id is empty", id);
	if (!*id)
		return err_set(e, ERR_INPUT, "[%.40s] instance id is empty", id);
	if (!is_hex(app_id, 2UL * REGISTRY_ID) || !is_hex(id, 2UL * REGISTRY_ID))
		return err_set(e, ERR_INPUT, "an app's and an instance's id are %d bytes each",
			       REGISTRY_ID);
	if (*compose_hash && !is_hex(compose_hash, 2UL * REGISTRY_DIGEST))
		return err_set(e, ERR_INPUT, "a compose hash is %d bytes", REGISTRY_DIGEST);
	return 0;
}

/* What must hold of an instance beside the others, whose own id's is @old. */
static int check_beside(const struct registry *r, const struct registry_instance *in,
			const struct registry_instance *old, struct err *e)
{
	const struct registry_instance *other = find(r, BY_KEY, in);

	if (old && !str_equal(old->app_id, in->app_id))
		return err_set(e, ERR_CONFLICT,
			       "instance_id is already registered to a different app");
	if (other && other != old)
		return err_set(e, ERR_CONFLICT,
			       "WireGuard public key is already registered to another instance");
	if (old)
		return 0;
	if (r->n >= r->o.most)
		return err_set(e, ERR_LIMIT, "the gateway has %zu instances, which is its limit",
			       r->n);
	if (count_of_app(r, in->app_id) >= r->o.most_per_app)
		return err_set(e, ERR_LIMIT, "the app has %u instances here, which is the limit",
			       r->o.most_per_app);
	return 0;
}

static enum registry_change change_of(const struct registry_instance *old,
				      const struct registry_instance *in)
{
	if (memcmp(old->key, in->key, REGISTRY_KEY) != 0)
		return REGISTRY_KEY_OTHER;
	return old->is_held == in->is_held && str_equal(old->compose_hash, in->compose_hash) &&
			       route_policy_is_same(&old->policy, &in->policy)
		       ? REGISTRY_SAME
		       : REGISTRY_POLICY;
}

int registry_plan(const struct registry *r, const struct registry_request *q,
		  struct registry_instance *ret, enum registry_change *ret_change, struct err *e)
{
	const struct registry_instance *old;
	struct registry_instance in = { .address = 0 };
	enum registry_change change = REGISTRY_NEW;
	int rc = check_ids(q->id, q->app_id, q->compose_hash, e);

	if (!rc)
		rc = read_key(r, q->key, in.key, e);
	if (rc)
		return rc;
	(void)str_copy(in.id, sizeof(in.id), q->id);
	(void)str_copy(in.app_id, sizeof(in.app_id), q->app_id);
	(void)str_copy(in.compose_hash, sizeof(in.compose_hash), q->compose_hash);
	old = find_id(r, in.id);
	rc = check_beside(r, &in, old, e);
	if (rc)
		return rc;
	/* what an older compose let in is not what this one does */
	if (old && str_equal(old->compose_hash, in.compose_hash)) {
		in.policy = old->policy;
		in.fetch.is_wrong =
			old->fetch.is_wrong && memcmp(old->key, in.key, REGISTRY_KEY) == 0;
		in.fetch.next_ms = old->fetch.next_ms;
	}
	if (q->policy)
		in.policy = *q->policy;
	in.is_held = q->is_held;
	in.reg_time = q->now_s;
	in.seen_ms = q->now_ms;
	if (old)
		change = change_of(old, &in);
	in.address = old ? old->address : free_address(r);
	if (old && change != REGISTRY_KEY_OTHER) {
		in.has_tunnel = old->has_tunnel;
		in.handshake = old->handshake;
		in.alive_ms = old->alive_ms;
		in.is_silent = old->is_silent;
		in.reg_time = old->reg_time;
	}
	if (in.address == 0)
		return err_set(e, ERR_LIMIT,
			       "IP pool exhausted, no available addresses in client_ip_range");
	*ret = in;
	*ret_change = change;
	return 0;
}

static void order_in(struct registry *r, enum order by, uint32_t slot)
{
	size_t at = lower(r, by, r->slots[slot]);
	uint32_t *a = r->orders[by];

	memmove(a + at + 1, a + at, (r->n - at) * sizeof(*a));
	a[at] = slot;
}

/* The slot that it had. */
static uint32_t order_out(struct registry *r, enum order by, const struct registry_instance *in)
{
	size_t at = lower(r, by, in);
	uint32_t *a = r->orders[by], slot = a[at];

	assert(at < r->n && r->slots[slot] == in);
	memmove(a + at, a + at + 1, (r->n - at - 1) * sizeof(*a));
	return slot;
}

static uint32_t take_out(struct registry *r, struct registry_instance *in)
{
	uint32_t slot = order_out(r, BY_ID, in);

	(void)order_out(r, BY_KEY, in);
	(void)order_out(r, BY_APP, in);
	r->n--;
	r->n_unknown -= !in->policy.is_known;
	mark(r, in->address, false);
	return slot;
}

static void put_in(struct registry *r, uint32_t slot)
{
	order_in(r, BY_ID, slot);
	order_in(r, BY_KEY, slot);
	order_in(r, BY_APP, slot);
	r->n++;
	r->n_unknown += !r->slots[slot]->policy.is_known;
	mark(r, r->slots[slot]->address, true);
}

int registry_put(struct registry *r, const struct registry_instance *in, struct err *e)
{
	struct registry_instance *old = find_id(r, in->id);
	uint32_t slot;
	int rc = check_ids(in->id, in->app_id, in->compose_hash, e);

	if (!rc)
		rc = check_beside(r, in, old, e);
	if (rc)
		return rc;
	if (!is_in_range(r, in->address))
		return err_set(e, ERR_INPUT, "its address is not one of those that are given out");
	if (is_taken(r, in->address) && !(old && old->address == in->address))
		return err_set(e, ERR_CONFLICT, "its address is another instance's");
	if (old) {
		slot = take_out(r, old);
	} else {
		if (r->n_free == 0)
			return err_set(e, ERR_LIMIT, "there are %zu instances, which is the limit",
				       r->n);
		slot = r->free_slots[--r->n_free];
		r->slots[slot] = xnew(struct registry_instance);
	}
	*r->slots[slot] = *in;
	put_in(r, slot);
	return 0;
}

bool registry_remove(struct registry *r, const char *id)
{
	struct registry_instance *in = find_id(r, id);
	uint32_t slot;

	if (!in)
		return false;
	slot = take_out(r, in);
	r->slots[slot] = NULL;
	r->free_slots[r->n_free++] = slot;
	free(in);
	return true;
}

void registry_forget(struct registry *r, const char *id)
{
	(void)registry_remove(r, id);
	overrides_remove(&r->overrides, id);
}

struct overrides *registry_overrides(struct registry *r)
{
	return &r->overrides;
}

const struct override *registry_override(const struct registry *r, const char *id)
{
	return overrides_find(&r->overrides, id);
}

const struct registry_instance *registry_find(const struct registry *r, const char *id)
{
	return find_id(r, id);
}

const struct registry_instance *registry_at(const struct registry *r, size_t i)
{
	assert(i < r->n);
	return r->slots[r->orders[BY_ID][i]];
}

size_t registry_count(const struct registry *r)
{
	return r->n;
}

size_t registry_n_unknown(const struct registry *r)
{
	return r->n_unknown;
}

void registry_set_tunnel(struct registry *r, const char *id, const uint8_t key[static REGISTRY_KEY],
			 uint64_t now_ms)
{
	struct registry_instance *in = find_id(r, id);

	if (!in || memcmp(in->key, key, REGISTRY_KEY) != 0)
		return;
	in->has_tunnel = true;
	in->alive_ms = now_ms;
}

void registry_assume_tunnels(struct registry *r, uint64_t now_ms)
{
	size_t i;

	for (i = 0; i < r->max; i++) {
		if (!r->slots[i])
			continue;
		r->slots[i]->has_tunnel = true;
		r->slots[i]->alive_ms = now_ms;
	}
}

void registry_set_handshake(struct registry *r, const uint8_t key[static REGISTRY_KEY],
			    uint64_t seconds, uint64_t now_ms)
{
	struct registry_instance what = { .address = 0 }, *in;

	memcpy(what.key, key, REGISTRY_KEY);
	in = find(r, BY_KEY, &what);
	if (!in || in->handshake == seconds)
		return;
	in->handshake = seconds;
	if (seconds)
		in->alive_ms = now_ms;
}

/* Not by the time of the handshake: the clock that it was taken by may be set. */
bool registry_judge(struct registry *r, uint64_t now_ms, uint64_t limit_ms, size_t *ret_n)
{
	bool is_other = false;
	size_t i;

	*ret_n = 0;
	for (i = 0; i < r->max; i++) {
		struct registry_instance *in = r->slots[i];
		bool is_silent = in && in->has_tunnel && now_ms - in->alive_ms > limit_ms;

		*ret_n += is_silent;
		if (in && in->is_silent != is_silent) {
			in->is_silent = is_silent;
			is_other = true;
		}
	}
	return is_other;
}

void registry_set_seen(struct registry *r, const char *id, uint64_t now_ms)
{
	struct registry_instance *in = find_id(r, id);

	if (!in)
		return;
	in->seen_ms = now_ms;
	in->fetch.n_tries = 0;
}

void registry_set_fetch(struct registry *r, const char *id, const struct registry_fetch *f)
{
	struct registry_instance *in = find_id(r, id);

	if (in)
		in->fetch = *f;
}
