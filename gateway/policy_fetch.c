/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/policy_fetch.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "gateway/info_policy.h"
#include "gateway/registry.h"
#include "loop/tls_call.h"
#include "loop/work.h"

struct asking;

struct policy_fetch {
	struct policy_fetch_options o;
	struct asking *under_way[POLICY_FETCH_MOST];
	size_t n;
	bool is_stopped;
};

/* Its own memory: the thread sees nothing else. */
struct asking {
	struct policy_fetch *fetch;
	char id[2 * REGISTRY_ID + 1], app_id[2 * REGISTRY_ID + 1];
	char compose_hash[2 * REGISTRY_DIGEST + 1], url[64];
	struct route_policy policy;
	struct err e;
	int rc;
	bool is_wrong; /* it answered, and asking again will not help */
};

static void ask(void *arg)
{
	static const char body[] = "{}";
	struct asking *a = arg;
	const struct tls_call_options o = { .method = "POST",
					    .url = a->url,
					    .content_type = "application/json",
					    .body = body,
					    .n_body = sizeof(body) - 1,
					    .timeout_ms = POLICY_FETCH_MS,
					    .reply_max = INFO_POLICY_MAX };
	struct tls_call_answer answer;

	a->rc = tls_call(&o, &answer, &a->e);
	if (a->rc)
		return;
	if (answer.status != 200) {
		a->rc = err_set(&a->e, ERR_PROTO, "%s: it answers %d", a->url, answer.status);
	} else {
		a->rc = info_policy_read(answer.body.p, answer.body.n, a->compose_hash, &a->policy,
					 &a->e);
		a->is_wrong = a->rc != 0;
	}
	tls_call_answer_deinit(&answer);
}

static void forget(struct policy_fetch *f, const struct asking *a)
{
	size_t i;

	for (i = 0; i < f->n && f->under_way[i] != a; i++)
		;
	assert(i < f->n);
	f->under_way[i] = f->under_way[--f->n];
}

static void keep(struct policy_fetch *f, const struct asking *a,
		 const struct registry_instance *found)
{
	struct registry_instance in = *found;

	in.policy = a->policy;
	in.fetch = (struct registry_fetch){ .n_tries = 0 };
	log_info("gateway: instance %s told its port policy", in.id);
	f->o.on_policy(&in, f->o.arg);
}

static void say(const struct asking *a, const struct registry_fetch *state)
{
	if (a->is_wrong) {
		log_warn("gateway: instance %s of app %s: none of its ports is open: %s", a->id,
			 a->app_id, a->e.text);
	} else if (state->n_tries == POLICY_FETCH_TRIES) {
		log_info("gateway: instance %s of app %s: none of its ports is open: its port "
			 "policy cannot be asked for: %s",
			 a->id, a->app_id, a->e.text);
	}
}

static void on_asked(void *arg)
{
	struct asking *a = arg;
	struct policy_fetch *f = a->fetch;
	const struct registry_instance *found;
	struct registry_fetch state;

	forget(f, a);
	found = f->is_stopped ? NULL : registry_find(f->o.registry, a->id);
	/* it may have registered anew meanwhile, or be gone */
	if (found && !found->policy.is_known && str_equal(found->compose_hash, a->compose_hash)) {
		if (a->rc == 0)
			keep(f, a, found);
		state = found->fetch;
		state.is_wrong = a->is_wrong;
		if (a->rc) {
			say(a, &state);
			registry_set_fetch(f->o.registry, a->id, &state);
		}
	}
	free(a);
	if (f->is_stopped && f->n == 0)
		free(f);
}

static bool is_due(const struct policy_fetch *f, const struct registry_instance *in, uint64_t now)
{
	size_t i, n_app = 0;

	if (in->policy.is_known || !in->has_tunnel || in->fetch.is_wrong ||
	    in->fetch.n_tries >= POLICY_FETCH_TRIES || in->fetch.next_ms > now)
		return false;
	for (i = 0; i < f->n; i++) {
		if (str_equal(f->under_way[i]->id, in->id))
			return false;
		n_app += str_equal(f->under_way[i]->app_id, in->app_id);
	}
	return n_app < POLICY_FETCH_PER_APP;
}

static void begin(struct policy_fetch *f, const struct registry_instance *in, uint64_t now)
{
	struct asking *a = xnew(struct asking);
	struct registry_fetch state = in->fetch;
	struct in_addr address = { htonl(in->address) };
	char text[INET_ADDRSTRLEN];
	uint64_t wait = (uint64_t)POLICY_FETCH_FIRST_MS << state.n_tries;

	state.n_tries++;
	state.next_ms = now + (wait < POLICY_FETCH_WAIT_MAX_MS ? wait : POLICY_FETCH_WAIT_MAX_MS);
	a->fetch = f;
	(void)str_copy(a->id, sizeof(a->id), in->id);
	(void)str_copy(a->app_id, sizeof(a->app_id), in->app_id);
	(void)str_copy(a->compose_hash, sizeof(a->compose_hash), in->compose_hash);
	(void)str_format(a->url, sizeof(a->url), "http://%s:%u/prpc/Info?json",
			 inet_ntop(AF_INET, &address, text, sizeof(text)), f->o.port);
	f->under_way[f->n++] = a;
	registry_set_fetch(f->o.registry, a->id, &state);
	/* NOLINTNEXTLINE(readability-suspicious-call-argument): what runs is called ask */
	work_start_alone(f->o.loop, ask, on_asked, a);
}

void policy_fetch_start(struct policy_fetch **ret, const struct policy_fetch_options *o)
{
	struct policy_fetch *f = xnew(struct policy_fetch);

	f->o = *o;
	*ret = f;
}

/* Who has waited for the longest, so that those who never answer keep nobody waiting. */
static const struct registry_instance *next_due(const struct policy_fetch *f, uint64_t now)
{
	const struct registry_instance *in, *found = NULL;
	size_t i, n = registry_count(f->o.registry);

	for (i = 0; i < n; i++) {
		in = registry_at(f->o.registry, i);
		if (is_due(f, in, now) && (!found || in->fetch.next_ms < found->fetch.next_ms))
			found = in;
	}
	return found;
}

void policy_fetch_tick(struct policy_fetch *f)
{
	uint64_t now = uv_now(f->o.loop);
	const struct registry_instance *in;

	while (registry_n_unknown(f->o.registry) > 0 && f->n < POLICY_FETCH_MOST) {
		in = next_due(f, now);
		if (!in)
			return;
		begin(f, in, now);
	}
}

void policy_fetch_stop(struct policy_fetch *f)
{
	if (!f)
		return;
	f->is_stopped = true;
	if (f->n == 0)
		free(f);
}
