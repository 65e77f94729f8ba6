/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One struct round is under way at a time, on a thread of its own: keys that are to be attested, and Info.  It has copies
 * of all that it needs; what it found is taken over, or dropped, on the loop.  The object is freed when its timer is
 * closed and no round is under way.
 */
#include "gateway/proof.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "gateway/attested.h"
#include "gateway/config.h"
#include "gateway/gateway.h"
#include "gateway/world.h"
#include "loop/work.h"
#include "rpc/agent_client.h"

struct key {
	const char *domain; /* borrowed of the round's configuration */
	uint8_t sha256[32];
	struct buf spki;
	struct err e;
	int rc;
};

struct round {
	struct proof *proof;
	const struct gw_config *config; /* one reference */
	const char *agent, *state;
	struct key keys[GW_DOMAINS_MAX];
	size_t n;
	bool wants_info;
	struct buf acme_info, app_info; /* empty: none is new */
	struct err info_error;
	int info_rc;
};

struct proof {
	struct gateway *gateway;
	uv_loop_t *loop;
	uv_timer_t timer;
	uint8_t done[GW_DOMAINS_MAX][32];
	size_t n_done;
	uint64_t again_ms, info_ms;
	bool is_running, is_stopped, is_closed;
	bool has_failed, info_has_failed; /* as was said already */
};

static json_t *question_of(const struct key *k)
{
	uint8_t data[ATTESTED_REPORT_DATA];
	char hex[2 * ATTESTED_REPORT_DATA + 1];

	attested_report_data(k->spki.p, k->spki.n, data);
	str_hex(hex, data, sizeof(data));
	return json_pack("{s:s}", "report_data", hex);
}

/* On the round's thread, like all down to run_round(). */
static int attest_key(const struct round *r, struct key *k)
{
	json_auto_t *question = question_of(k);
	auto_buf struct buf quote = BUF_MAX(0), attestation = BUF_MAX(0);
	struct attested a = { .domain = k->domain,
			      .spki = k->spki.p,
			      .n_spki = k->spki.n,
			      .made_ms = time_unix_ms() };
	int rc = agent_client_text(r->agent, "GetQuote", question, &quote, &k->e);

	if (!rc)
		rc = agent_client_text(r->agent, "Attest", question, &attestation, &k->e);
	if (rc)
		return rc;
	a.quote = (const char *)quote.p;
	a.attestation = (const char *)attestation.p;
	return attested_put(r->state, &a, &k->e);
}

static void run_round(void *arg)
{
	struct round *r = arg;
	struct err e = ERR_NONE;
	size_t i;

	for (i = 0; i < r->n; i++)
		r->keys[i].rc = attest_key(r, &r->keys[i]);
	if (attested_info(r->state, &r->acme_info, &e) < 0)
		log_error("gateway: %s", e.text);
	if (r->wants_info)
		r->info_rc =
			agent_client_text(r->agent, "Info", NULL, &r->app_info, &r->info_error);
}

static void free_round(struct round *r)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		buf_deinit(&r->keys[i].spki);
	buf_deinit(&r->acme_info);
	buf_deinit(&r->app_info);
	gw_config_unref(r->config);
	free(r);
}

static void free_if_over(struct proof *p)
{
	if (p->is_closed && !p->is_running)
		free(p);
}

static void take_key(struct proof *p, const struct key *k)
{
	uint64_t now = uv_now(p->loop);

	if (k->rc == 0) {
		p->has_failed = false;
		if (p->n_done == GW_DOMAINS_MAX)
			p->n_done =
				0; /* none of those is served any more; some may be attested once more */
		memcpy(p->done[p->n_done++], k->sha256, sizeof(k->sha256));
		log_info("gateway: the key of *.%s is attested", k->domain);
		return;
	}
	p->again_ms = now + PROOF_AGAIN_S * 1000;
	if (!p->has_failed) {
		log_error("gateway: the key of *.%s is served without an attestation, which is "
			  "asked for again: %s",
			  k->domain, k->e.text);
	}
	p->has_failed = true;
}

static void take_info(struct proof *p, const struct round *r)
{
	bool has_failed = r->info_rc != 0;

	p->info_ms = uv_now(p->loop) + (has_failed ? PROOF_AGAIN_S : PROOF_INFO_S) * 1000ULL;
	if (!has_failed)
		gateway_set_text(p->gateway, WORLD_APP_INFO, r->app_info.p, r->app_info.n);
	else if (!p->info_has_failed)
		log_warn("gateway: /.dstack/app-info: %s", r->info_error.text);
	p->info_has_failed = has_failed;
}

static void on_round(void *arg)
{
	struct round *r = arg;
	struct proof *p = r->proof;
	size_t i;

	p->is_running = false;
	for (i = 0; i < r->n && !p->is_stopped; i++)
		take_key(p, &r->keys[i]);
	if (!p->is_stopped && r->acme_info.n && !p->gateway->config->acme_info)
		gateway_set_text(p->gateway, WORLD_ACME_INFO, r->acme_info.p, r->acme_info.n);
	if (!p->is_stopped && r->wants_info)
		take_info(p, r);
	free_round(r);
	free_if_over(p);
}

static void add_key(struct proof *p, struct round *r, const struct tls_site *s, const char *domain)
{
	struct key *k = &r->keys[r->n];
	size_t i;

	for (i = 0; i < r->n; i++) {
		if (memcmp(r->keys[i].sha256, s->key_sha256, sizeof(k->sha256)) == 0)
			return; /* two domains share it */
	}
	if (proof_has(p, s->key_sha256))
		return;
	*k = (struct key){ .domain = domain, .spki = BUF_MAX(ATTESTED_SPKI_MAX), .e = ERR_NONE };
	memcpy(k->sha256, s->key_sha256, sizeof(k->sha256));
	if (tls_site_spki(s, &k->spki) == 0)
		r->n++;
	else
		buf_deinit(&k->spki);
}

static bool lacks_any(const struct proof *p, const struct world_sites *s)
{
	size_t i;

	for (i = 0; i < s->n; i++) {
		if (!proof_has(p, s->sites[i].key_sha256))
			return true;
	}
	return false;
}

static void on_timer(uv_timer_t *t)
{
	struct proof *p = t->data;
	const struct world *w = gateway_world(p->gateway);
	uint64_t now = uv_now(p->loop);
	bool wants_keys = now >= p->again_ms && lacks_any(p, w->sites);
	struct round *r;
	size_t i;

	if (p->is_running || (!wants_keys && now < p->info_ms))
		return;
	r = xnew(struct round);
	r->proof = p;
	r->config = gw_config_ref(w->config);
	r->agent = w->config->agent;
	r->state = w->config->state;
	r->wants_info = now >= p->info_ms;
	for (i = 0; wants_keys && i < w->sites->n; i++)
		add_key(p, r, &w->sites->sites[i], w->config->domains[i].name);
	p->is_running = true;
	work_start_alone(p->loop, run_round, on_round, r);
}

void proof_start(struct proof **ret, uv_loop_t *loop, struct gateway *g)
{
	struct proof *p;

	*ret = NULL;
	if (!g->config->agent || !g->config->state) {
		log_info("gateway: keys of domains are not attested: that takes agent and state");
		return;
	}
	p = xnew(struct proof);
	p->gateway = g;
	p->loop = loop;
	(void)uv_timer_init(loop, &p->timer);
	p->timer.data = p;
	(void)uv_timer_start(&p->timer, on_timer, 0, PROOF_LOOK_MS);
	*ret = p;
}

bool proof_has(const struct proof *p, const uint8_t key_sha256[static 32])
{
	size_t i;

	for (i = 0; p && i < p->n_done; i++) {
		if (memcmp(p->done[i], key_sha256, sizeof(p->done[i])) == 0)
			return true;
	}
	return false;
}

static void on_closed(uv_handle_t *h)
{
	struct proof *p = h->data;

	p->is_closed = true;
	free_if_over(p);
}

void proof_stop(struct proof *p)
{
	if (!p || p->is_stopped)
		return;
	p->is_stopped = true;
	uv_close((uv_handle_t *)&p->timer, on_closed);
}
