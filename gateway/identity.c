/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked for lives in a struct ask of its own, on the pool's thread; its result is taken, or dropped, on the loop.
 * The object is freed when its timer is closed and no ask is under way.
 */
#include "gateway/identity.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/ratls.h"
#include "data/json.h"
#include "gateway/config.h"
#include "gateway/leaf.h"
#include "loop/work.h"
#include "rpc/agent_client.h"

enum { PEM_MAX = 256 * 1024, LIFE_S = 30 * 24 * 3600, AGAIN_S = 600, SOON_S = 3 * 24 * 3600 };

struct pems {
	struct buf chain, key, ca; /* each ends with a 0 that is not counted */
};

struct identity {
	const struct gw_config *config;
	uv_loop_t *loop;
	uv_timer_t timer;
	struct pems pems;
	struct gw_identity now; /* points into pems; chain NULL: there is none */
	struct leaf_dates dates;
	int64_t renew; /* s since 1970: when to ask the agent for another */
	struct {
		identity_fn fn;
		void *arg;
	} users[IDENTITY_USERS_MAX];
	size_t n_users;
	bool is_asking, is_stopped, is_closed;
	bool has_said; /* that there is none, since it last went well */
};

struct ask {
	struct identity *identity;
	struct pems pems;
	struct err e;
	int rc;
};

static void pems_init(struct pems *p)
{
	*p = (struct pems){ BUF_MAX(PEM_MAX), BUF_MAX(0), BUF_MAX(PEM_MAX) };
}

static void pems_deinit(struct pems *p)
{
	buf_deinit(&p->chain);
	secret_buf_deinit(&p->key);
	buf_deinit(&p->ca);
}

static bool is_same(const struct buf *a, const struct buf *b)
{
	return a->n == b->n && secret_equal(a->p, b->p, a->n);
}

static int64_t now_s(void)
{
	return (int64_t)(time_unix_ms() / 1000);
}

static int tell_all(struct identity *i, struct err *e)
{
	int rc = 0, one;
	size_t k;

	for (k = 0; k < i->n_users; k++) {
		one = i->users[k].fn(&i->now, i->users[k].arg, rc ? NULL : e);
		rc = rc ? rc : one;
	}
	return rc;
}

/* @p becomes the identity, or is freed.  What its users make of it is their matter. */
static int take(struct identity *i, struct pems *p, struct err *e)
{
	struct leaf_dates dates;
	int rc = leaf_dates(p->chain.p, p->chain.n, &dates, e);

	if (rc) {
		pems_deinit(p);
		return rc;
	}
	pems_deinit(&i->pems);
	i->pems = *p;
	i->dates = dates;
	i->now = (struct gw_identity){ .chain = (const char *)i->pems.chain.p,
				       .key = (const char *)i->pems.key.p,
				       .client_ca = (const char *)i->pems.ca.p };
	return tell_all(i, e);
}

static int read_files(const struct gw_registration *c, struct pems *p, struct err *e)
{
	int rc;

	pems_init(p);
	rc = file_read(AT_FDCWD, c->certificate, PEM_MAX, &p->chain, e);
	if (!rc)
		rc = file_read_secret(AT_FDCWD, c->key, PEM_MAX, &p->key, e);
	if (!rc)
		rc = file_read(AT_FDCWD, c->client_ca, PEM_MAX, &p->ca, e);
	if (rc)
		pems_deinit(p);
	return rc;
}

/* From the agent.  This, down to ask_agent(), runs on a thread of the pool. */

static json_t *question_of(const struct gw_config *c)
{
	json_t *names = json_array();
	size_t i;

	for (i = 0; i < c->registration.n_names; i++)
		(void)json_array_append_new(names, json_string(c->registration.names[i]));
	return json_pack("{s:s, s:o, s:b, s:b, s:b, s:b, s:I}", "subject", "dstack-gateway",
			 "alt_names", names, "usage_ra_tls", 1, "usage_server_auth", 1,
			 "usage_client_auth", 1, "with_app_info", 1, "not_after",
			 (json_int_t)now_s() + LIFE_S);
}

/* The chain is one text after another; its last certificate is whom clients' certificates must lead to. */
static int read_answer(const json_t *answer, struct pems *p, struct err *e)
{
	const json_t *chain = json_object_get(answer, "certificate_chain");
	const char *key = json_get_str(answer, "key", ""), *text = "";
	size_t i, n = json_array_size(chain);
	int rc = 0;

	for (i = 0; i < n && !rc; i++) {
		text = json_string_value(json_array_get(chain, i));
		rc = text ? buf_add_str(&p->chain, text) : -EINVAL;
		if (!rc && *text && text[strlen(text) - 1] != '\n')
			rc = buf_add_str(&p->chain, "\n");
	}
	if (!rc && n >= 2)
		rc = buf_add_str(&p->ca, text);
	if (!rc)
		rc = secret_buf_init(&p->key, strlen(key) + 1);
	if (!rc)
		rc = buf_add_str(&p->key, key);
	if (rc || n < 2 || !*key) {
		return err_set(e, ERR_PROTO,
			       "the guest's agent answered without a key or a chain of two "
			       "certificates or more");
	}
	return 0;
}

/* Only a KMS says whose the certificate is; without that no guest would take it for the gateway's. */
static int check_app(const struct pems *p, struct err *e)
{
	struct ratls r;
	int rc = ratls_read(p->chain.p, p->chain.n, &r, e);

	if (rc)
		return rc;
	if (r.app_id.n == 0) {
		rc = err_set(e, ERR_MISSING,
			     "the certificate that the guest's agent gave names no app, so no "
			     "guest would trust it: the gateway's app needs key_provider: kms");
	}
	ratls_deinit(&r);
	return rc;
}

static void ask_agent(void *arg)
{
	struct ask *a = arg;
	const struct gw_config *c = a->identity->config;
	json_auto_t *question = question_of(c), *answer = NULL;

	a->rc = agent_client_ask(c->agent, "GetTlsKey", question, &answer, &a->e);
	if (!a->rc)
		a->rc = read_answer(answer, &a->pems, &a->e);
	if (!a->rc)
		a->rc = check_app(&a->pems, &a->e);
}

static void free_if_over(struct identity *i)
{
	if (!i->is_closed || i->is_asking)
		return;
	pems_deinit(&i->pems);
	free(i);
}

static void say_failed(struct identity *i, const struct err *e)
{
	int64_t left = i->dates.until - now_s();

	if (!i->now.chain && i->has_said)
		return;
	i->has_said = true;
	if (!i->now.chain) {
		log_error("gateway: registration and administration are not open yet, as there is "
			  "no certificate for them; asked again until there is one: %s",
			  e->text);
	} else if (left < SOON_S) {
		log_error("gateway: the certificate of registration and administration ends in "
			  "%lld hours, and there is no other: %s",
			  (long long)(left / 3600), e->text);
	} else {
		log_warn("gateway: no new certificate for registration and administration yet: %s",
			 e->text);
	}
}

static void on_answer(void *arg)
{
	struct ask *a = arg;
	struct identity *i = a->identity;

	i->is_asking = false;
	if (a->rc || i->is_stopped) {
		if (!i->is_stopped)
			say_failed(i, &a->e);
		i->renew = i->now.chain ? now_s() + AGAIN_S : 0;
		pems_deinit(&a->pems);
	} else if (take(i, &a->pems, &a->e)) {
		log_error("gateway: the new certificate of registration and administration: %s",
			  a->e.text);
		i->renew = now_s() + AGAIN_S;
	} else {
		i->renew = now_s() + 2 * (i->dates.until - now_s()) / 3;
		i->has_said = false;
		log_info("gateway: the guest's agent gave a certificate for registration and "
			 "administration, good for %lld hours",
			 (long long)((i->dates.until - now_s()) / 3600));
	}
	free(a);
	free_if_over(i);
}

static void start_asking(struct identity *i)
{
	struct ask *a = xnew(struct ask);

	a->identity = i;
	pems_init(&a->pems);
	i->is_asking = true;
	work_start(i->loop, ask_agent, on_answer, a);
}

static void look_at_files(struct identity *i)
{
	struct err e = ERR_NONE;
	struct pems p;

	if (read_files(&i->config->registration, &p, &e) < 0) {
		if (!i->has_said)
			log_error("gateway: the certificate of registration stays as it was: %s",
				  e.text);
		i->has_said = true;
		return;
	}
	if (is_same(&p.chain, &i->pems.chain) && is_same(&p.key, &i->pems.key) &&
	    is_same(&p.ca, &i->pems.ca)) {
		pems_deinit(&p);
		return;
	}
	i->has_said = false;
	if (take(i, &p, &e))
		log_error("gateway: the certificate of registration stays as it was: %s", e.text);
	else
		log_info("gateway: read the certificate of registration again");
}

static void on_timer(uv_timer_t *t)
{
	struct identity *i = t->data;

	if (i->config->registration.certificate)
		look_at_files(i);
	else if (!i->is_asking && now_s() >= i->renew)
		start_asking(i);
}

int identity_start(struct identity **ret, uv_loop_t *loop, const struct gw_config *c, struct err *e)
{
	struct identity *i;
	struct pems p;
	int rc = 0;

	*ret = NULL;
	if (!c->registration.certificate && !c->agent)
		return 0;
	i = xnew(struct identity);
	i->config = c;
	i->loop = loop;
	pems_init(&i->pems);
	if (c->registration.certificate)
		rc = read_files(&c->registration, &p, e);
	if (!rc && c->registration.certificate)
		rc = take(i, &p, e);
	if (rc) {
		pems_deinit(&i->pems);
		free(i);
		return rc;
	}
	(void)uv_timer_init(loop, &i->timer);
	i->timer.data = i;
	(void)uv_timer_start(&i->timer, on_timer, 0, IDENTITY_LOOK_MS);
	*ret = i;
	return 0;
}

int identity_subscribe(struct identity *i, identity_fn fn, void *arg, struct err *e)
{
	if (!i) {
		return err_set(
			e, ERR_MISSING,
			"there is neither a certificate in files nor an agent that gives one");
	}
	assert(i->n_users < IDENTITY_USERS_MAX);
	i->users[i->n_users].fn = fn;
	i->users[i->n_users++].arg = arg;
	return i->now.chain ? fn(&i->now, arg, e) : 0;
}

const struct gw_identity *identity_get(const struct identity *i)
{
	return i && i->now.chain ? &i->now : NULL;
}

int64_t identity_end(const struct identity *i)
{
	return i && i->now.chain ? i->dates.until : 0;
}

static void on_closed(uv_handle_t *h)
{
	struct identity *i = h->data;

	i->is_closed = true;
	free_if_over(i);
}

void identity_stop(struct identity *i)
{
	if (!i || i->is_stopped)
		return;
	i->is_stopped = true;
	i->n_users = 0;
	uv_close((uv_handle_t *)&i->timer, on_closed);
}
