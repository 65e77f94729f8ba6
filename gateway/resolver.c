/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A name is an entry of the cache from the first question on: while it is asked for, who wants it waits in its list.
 */
#include "gateway/resolver.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "gateway/config.h"
#include "gateway/conn.h"
#include "gateway/txt_channel.h"
#include "gateway/worker.h"

enum {
	BUCKETS = 4096,
	SHARES = 4096,
	SHARE_OF = 8, /* bytes of an address */
	NAME_MAX_DNS = 255,
	TICK_MS = 100,
	TRIES = 2,
	TRY_MS = 1500,
	SOCKETS_MAX = 64
};

/* One who waits; becomes the answer. */
struct waiter {
	struct txt_answer *answer;
	struct worker *worker;
	struct waiter *next;
	uint32_t share;
	char host[CLIENT_HELLO_HOST_MAX + 1]; /* until it has found its entry */
};

enum source { PRIMARY, LEGACY, WILDCARD, SOURCES };

struct entry {
	struct entry *bucket_next, *older, *newer;
	struct resolver *resolver;
	char host[CLIENT_HELLO_HOST_MAX + 1];
	bool is_asking, is_starting, is_found;
	struct host_label label;
	uint64_t until_ms;
	uint32_t share; /* of whoever had it asked for */
	struct waiter *waiting;
	struct one_query {
		struct entry *entry;
		bool is_asked, is_awaited;
		struct txt_found found;
	} queries[SOURCES];
};

struct resolver {
	uv_loop_t *loop;
	const struct gw_config *config;
	struct txt_channel *channel; /* NULL: could not be opened */
	uv_async_t async;
	int n_handles;
	struct entry *buckets[BUCKETS], *oldest, *newest;
	uint16_t asking
		[SHARES]; /* names that are asked for, by the hash of the client who came first */
	_Atomic uint32_t n_kept;
	_Atomic uint64_t n_asked;
	uint64_t seed;
	pthread_mutex_t lock;
	struct waiter *arrived; /* under the lock */
	uint32_t n_waiting;	/* under the lock */
	void (*done)(void *arg);
	void *done_arg;
};

uint32_t resolver_n_kept(const struct resolver *r)
{
	return atomic_load_explicit(&r->n_kept, memory_order_relaxed);
}

uint64_t resolver_n_asked(const struct resolver *r)
{
	return atomic_load_explicit(&r->n_asked, memory_order_relaxed);
}

static uint64_t now_ms(const struct resolver *r)
{
	return uv_now(r->loop);
}

static void post(struct resolver *r, struct waiter *w, bool is_found,
		 const struct host_label *label)
{
	w->answer->is_found = is_found;
	if (is_found)
		w->answer->label = *label;
	worker_post(w->worker, w->answer);
	free(w);
	(void)pthread_mutex_lock(&r->lock);
	r->n_waiting--;
	(void)pthread_mutex_unlock(&r->lock);
}

static struct entry **bucket_of(struct resolver *r, const char *host)
{
	uint64_t h = r->seed;

	for (; *host; host++)
		h = (h ^ (uint8_t)*host) * 0x100000001b3U;
	return &r->buckets[(h ^ h >> 32) % BUCKETS];
}

static void unlink_age(struct resolver *r, struct entry *en)
{
	*(en->older ? &en->older->newer : &r->oldest) = en->newer;
	*(en->newer ? &en->newer->older : &r->newest) = en->older;
}

static void link_newest(struct resolver *r, struct entry *en)
{
	en->older = r->newest;
	en->newer = NULL;
	*(r->newest ? &r->newest->newer : &r->oldest) = en;
	r->newest = en;
}

static void forget(struct resolver *r, struct entry *en)
{
	struct entry **at = bucket_of(r, en->host);

	while (*at != en)
		at = &(*at)->bucket_next;
	*at = en->bucket_next;
	unlink_age(r, en);
	free(en);
	r->n_kept--;
}

/* Return: is there room for one more? */
static bool make_room(struct resolver *r)
{
	struct entry *en;

	if (r->n_kept < RESOLVER_CACHE)
		return true;
	for (en = r->oldest; en && en->is_asking; en = en->newer)
		;
	if (!en)
		return false;
	forget(r, en);
	return true;
}

/* Is there a record?  One that is wrong counts, too: the next source is not asked instead. */
static bool is_decided(const struct one_query *q)
{
	return q->is_asked && (q->found.outcome == TXT_FOUND || q->found.outcome == TXT_BAD_RECORD);
}

static void settle(struct entry *en)
{
	struct resolver *r = en->resolver;
	struct one_query *best = NULL;
	uint32_t keep = RESOLVER_NEGATIVE_MS;
	struct waiter *w, *next;
	int i;

	for (i = 0; i < SOURCES && !best; i++) {
		if (is_decided(&en->queries[i]))
			best = &en->queries[i];
		if (en->queries[i].is_asked && en->queries[i].found.outcome == TXT_NO_ANSWER)
			keep = RESOLVER_FAILED_MS;
	}
	en->is_asking = false;
	r->asking[en->share]--;
	en->is_found = best && best->found.outcome == TXT_FOUND;
	if (en->is_found) {
		en->label = best->found.label;
		keep = best->found.ttl_ms;
	}
	en->until_ms = now_ms(r) + keep;
	w = en->waiting;
	en->waiting = NULL;
	for (; w; w = next) {
		next = w->next;
		post(r, w, en->is_found, &en->label);
	}
}

static void ask(struct entry *en, enum source s, const char *prefix, const char *host);

/* Each answer may be the last that was awaited. */
static void look_at_answers(struct entry *en)
{
	const struct gw_config *c = en->resolver->config;
	const struct one_query *q = en->queries;
	const char *dot;
	char prefix[64];
	int i;

	for (i = 0; i < SOURCES; i++) {
		if (q[i].is_awaited)
			return;
	}
	if (!q[WILDCARD].is_asked && !is_decided(&q[PRIMARY]) && !is_decided(&q[LEGACY])) {
		dot = strchr(en->host, '.');
		(void)str_format(prefix, sizeof(prefix), "%s-wildcard", c->dns_prefix);
		if (dot &&
		    strchr(dot + 1, '.')) { /* below a whole top-level domain there is no app */
			ask(en, WILDCARD, prefix, dot + 1);
			return;
		}
	}
	settle(en);
}

static void on_found(const struct txt_found *found, void *arg)
{
	struct one_query *q = arg;

	q->is_awaited = false;
	q->found = *found;
	if (!q->entry->is_starting)
		look_at_answers(q->entry);
}

static void ask(struct entry *en, enum source s, const char *prefix, const char *host)
{
	struct one_query *q = &en->queries[s];
	char name[NAME_MAX_DNS + 1];

	q->entry = en;
	q->is_asked = true;
	q->found.outcome = TXT_NO_RECORD;
	/* the dot at the end: no search list of the system's makes another name of it */
	if (str_format(name, sizeof(name), "%s.%s.", prefix, host) < 0)
		return;
	q->is_awaited = true;
	en->resolver->n_asked++;
	txt_channel_ask(en->resolver->channel, name, on_found, q);
}

static void start_asking(struct resolver *r, struct entry *en, uint32_t share)
{
	const struct gw_config *c = r->config;

	en->share = share;
	r->asking[share]++;
	memset(en->queries, 0, sizeof(en->queries));
	en->is_asking = en->is_starting = true;
	ask(en, PRIMARY, c->dns_prefix, en->host);
	if (c->dns_compat && !str_equal(c->dns_prefix, "_tapp-address"))
		ask(en, LEGACY, "_tapp-address", en->host);
	en->is_starting = false;
	look_at_answers(
		en); /* a name that is too long, or no server: there may be nothing to wait for */
}

static void serve(struct resolver *r, struct waiter *w)
{
	struct entry **bucket = bucket_of(r, w->host), *en = *bucket;

	while (en && !str_equal(en->host, w->host))
		en = en->bucket_next;
	if (en && !en->is_asking && en->until_ms > now_ms(r)) {
		post(r, w, en->is_found, &en->label);
		return;
	}
	if (!(en && en->is_asking) && r->asking[w->share] >= RESOLVER_ASKING_OF) {
		post(r, w, false, NULL);
		return;
	}
	if (!en) {
		if (!make_room(r)) {
			post(r, w, false, NULL);
			return;
		}
		en = xnew(struct entry);
		en->resolver = r;
		(void)str_copy(en->host, sizeof(en->host), w->host);
		en->bucket_next = *bucket;
		*bucket = en;
		link_newest(r, en);
		r->n_kept++;
	}
	w->next = en->waiting;
	en->waiting = w;
	if (!en->is_asking)
		start_asking(r, en, w->share);
}

static void on_async(uv_async_t *a)
{
	struct resolver *r = a->data;
	struct waiter *w, *next;

	(void)pthread_mutex_lock(&r->lock);
	w = r->arrived;
	r->arrived = NULL;
	(void)pthread_mutex_unlock(&r->lock);
	for (; w; w = next) {
		next = w->next;
		serve(r, w);
	}
}

/* A client is an IPv4 address, or a /64: the last or the first half of what it is here. */
static uint32_t share_of(const struct resolver *r, const struct sockaddr_in6 *from)
{
	const uint8_t *p =
		from->sin6_addr.s6_addr + (IN6_IS_ADDR_V4MAPPED(&from->sin6_addr) ? SHARE_OF : 0);
	uint64_t h = r->seed;
	int i;

	for (i = 0; i < SHARE_OF; i++)
		h = (h ^ p[i]) * 0x100000001b3U;
	return (uint32_t)((h ^ h >> 32) % SHARES);
}

void resolver_ask(struct resolver *r, struct worker *worker, struct conn *c, uint32_t generation,
		  const char *host)
{
	struct waiter *w = xnew(struct waiter);
	bool is_full;

	w->answer = xnew(struct txt_answer);
	w->answer->conn = c;
	w->answer->generation = generation;
	w->worker = worker;
	w->share = share_of(r, &c->from);
	(void)str_copy(w->host, sizeof(w->host), host);
	(void)pthread_mutex_lock(&r->lock);
	is_full = r->n_waiting >= RESOLVER_WAITING;
	if (!is_full) {
		r->n_waiting++;
		w->next = r->arrived;
		r->arrived = w;
	}
	(void)pthread_mutex_unlock(&r->lock);
	if (is_full) {
		worker_post(worker, w->answer);
		free(w);
		return;
	}
	(void)uv_async_send(&r->async);
}

static void let_go(struct resolver *r)
{
	if (--r->n_handles > 0)
		return;
	if (r->done)
		r->done(r->done_arg);
	(void)pthread_mutex_destroy(&r->lock);
	free(r);
}

static void on_closed(uv_handle_t *h)
{
	let_go(h->data);
}

static void on_channel_stopped(void *arg)
{
	let_go(arg);
}

int resolver_start(struct resolver **ret, uv_loop_t *loop, const struct gw_config *c, struct err *e)
{
	struct resolver *r = xnew(struct resolver);
	int rc;

	r->loop = loop;
	r->config = c;
	secret_random(&r->seed, sizeof(r->seed));
	(void)pthread_mutex_init(&r->lock, NULL);
	(void)uv_async_init(loop, &r->async, on_async);
	r->async.data = r;
	r->n_handles = 1;
	rc = txt_channel_start(&r->channel, loop, c, e);
	if (rc) {
		resolver_stop(r, NULL, NULL);
		return rc;
	}
	*ret = r;
	return 0;
}

void resolver_stop(struct resolver *r, void (*done)(void *arg), void *arg)
{
	struct waiter *w;

	r->done = done;
	r->done_arg = arg;
	if (r->channel) {
		r->n_handles++;
		txt_channel_stop(r->channel, on_channel_stopped, r);
	}
	while ((w = r->arrived)) {
		r->arrived = w->next;
		free(w->answer);
		free(w);
	}
	while (r->oldest) {
		while ((w = r->oldest->waiting)) {
			r->oldest->waiting = w->next;
			free(w->answer);
			free(w);
		}
		forget(r, r->oldest);
	}
	uv_close((uv_handle_t *)&r->async, on_closed);
}
