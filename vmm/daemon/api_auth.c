/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A token is compared at once.  A password costs a tenth of a second on purpose, so it is checked on the
 * pool, a few at a time, and is then known for some minutes; requests that came with it meanwhile wait and
 * find it known.  A check belongs to its request, which stays ours until it is answered, also when its client
 * goes: then it is not passed on, as its headers are gone.
 */
#include "daemon/api_auth.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <uv.h>

#include "auth/credentials.h"
#include "auth/recent.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "daemon/config.h"
#include "daemon/secrets.h"
#include "loop/http_server.h"
#include "loop/rate.h"
#include "loop/work.h"

enum { LOG_EACH_MS = 10 * 1000 };

typedef void (*known_fn)(struct http_request *r, const struct caller *who, void *arg);

struct check {
	TAILQ_ENTRY(check) link; /* in waiting */
	struct api_auth *a;
	struct http_request *r;
	struct credentials c;
	char hash[HTPASSWD_HASH_LEN + 1];
	bool has_user, is_right, is_gone;
	known_fn known;
	void *arg;
};

struct api_auth {
	const struct config *config;
	uv_loop_t *loop;
	struct secrets secrets;
	struct recent recent;
	struct rate_table wrong;
	TAILQ_HEAD(, check) waiting;
	unsigned int n_waiting, n_running;
	bool is_ending;
	void (*changed)(void *arg);
	void *changed_arg;
	uint64_t n_denied, logged_ms, n_unlogged;
};

static void read_credentials(const struct http_request *r, struct credentials *c)
{
	bool is_get = str_equal(http_request_method(r), "GET") ||
		      str_equal(http_request_method(r), "HEAD");

	credentials_from_header(c, http_request_header(r, "Authorization"));
	if (c->kind == CREDENTIALS_NONE && is_get)
		credentials_from_query(c, http_request_query(r));
}

/* Found without a slow check? */
static bool find(struct api_auth *a, const struct credentials *c, struct caller *ret)
{
	const struct recent_entry *known;
	const struct token *t = NULL;

	if (c->kind == CREDENTIALS_TOKEN)
		t = tokens_find(&a->secrets.tokens, c->secret);
	if (c->kind == CREDENTIALS_PASSWORD)
		t = tokens_find(&a->secrets.tokens, *c->secret ? c->secret : c->user);
	if (t) {
		ret->role = t->role;
		(void)str_format(ret->name, sizeof(ret->name), "token %s", t->name);
		return true;
	}
	known = c->kind == CREDENTIALS_PASSWORD
			? recent_find(&a->recent, c->user, c->secret, time_mono_ms())
			: NULL;
	if (known) {
		ret->role = known->role;
		(void)str_format(ret->name, sizeof(ret->name), "user %s", known->name);
	}
	return known;
}

static bool find_by_header(struct api_auth *a, const struct http_request *r, struct caller *ret)
{
	struct credentials c;
	bool found;

	credentials_from_token(&c, http_request_header(r, "X-Admin-Token"));
	found = find(a, &c, ret);
	credentials_deinit(&c);
	return found;
}

static void deny(struct api_auth *a, struct http_request *r)
{
	static const struct http_header ask[] = {
		{ "WWW-Authenticate", "Basic realm=\"dstack-vmm API\"" }, { NULL, NULL }
	};

	a->n_denied++;
	http_reply(r, 401, NULL, "", 0, ask);
}

static void slow_down(struct api_auth *a, struct http_request *r)
{
	static const struct http_header later[] = { { "Retry-After", "2" }, { NULL, NULL } };
	static const char text[] = "too many wrong tokens or passwords; try again later\n";

	a->n_denied++;
	http_reply(r, 429, "text/plain; charset=utf-8", text, strlen(text), later);
}

/* Who guesses may not fill the log. */
static void log_wrong(struct api_auth *a, const struct http_request *r)
{
	char host[INET6_ADDRSTRLEN] = "?";
	uint64_t now = time_mono_ms();

	if (a->logged_ms && now - a->logged_ms < LOG_EACH_MS) {
		a->n_unlogged++;
		return;
	}
	(void)uv_ip_name(http_request_from(r), host, sizeof(host));
	log_warn("api: refused a call from %s: wrong token or password (and %llu others before)",
		 host, (unsigned long long)a->n_unlogged);
	a->logged_ms = now;
	a->n_unlogged = 0;
}

/* Each try with what is not known already costs the address one of its tries. */
static bool may_try(struct api_auth *a, const struct http_request *r)
{
	return rate_table_take(&a->wrong, http_request_from(r), time_mono_ms());
}

static void deny_wrong(struct api_auth *a, struct http_request *r)
{
	log_wrong(a, r);
	deny(a, r);
}

static void run_check(void *arg)
{
	struct check *k = arg;

	k->is_right = htpasswd_verify(k->hash, k->c.secret);
}

static void start_waiting(struct api_auth *a);
static void free_if_ended(struct api_auth *a);

static void end_check(struct check *k)
{
	credentials_deinit(&k->c);
	free(k);
}

static void on_client_gone(void *arg)
{
	struct check *k = arg;

	k->is_gone = true;
}

/* The answer to @k's request, as far as it is known now. */
static void settle(struct check *k, bool is_right)
{
	struct caller who = { .role = ROLE_NONE };
	struct api_auth *a = k->a;

	http_request_on_gone(k->r, NULL, NULL);
	if (k->is_gone || a->is_ending) {
		deny(a, k->r);
	} else if (is_right && find(a, &k->c, &who)) {
		k->known(k->r, &who, k->arg);
	} else {
		deny_wrong(a, k->r);
	}
	end_check(k);
}

static void on_checked(void *arg)
{
	struct check *k = arg;
	struct api_auth *a = k->a;
	const struct htpasswd_user *u = htpasswd_find(&a->secrets.htpasswd, k->c.user);

	a->n_running--;
	/* the file may have changed meanwhile */
	k->is_right = k->is_right && k->has_user && u && str_equal(u->hash, k->hash);
	if (k->is_right) {
		recent_add(&a->recent, k->c.user, k->c.secret, k->c.user,
			   a->config->api.htpasswd_reads ? ROLE_READ : ROLE_OPERATE,
			   time_mono_ms());
	}
	settle(k, k->is_right);
	start_waiting(a);
	free_if_ended(a);
}

static void start_waiting(struct api_auth *a)
{
	struct caller who;
	struct check *k;

	while ((k = TAILQ_FIRST(&a->waiting)) && (a->n_running < AUTH_AT_ONCE || a->is_ending)) {
		TAILQ_REMOVE(&a->waiting, k, link);
		a->n_waiting--;
		if (a->is_ending || k->is_gone || find(a, &k->c, &who)) {
			settle(k, true);
			continue;
		}
		a->n_running++;
		work_start(a->loop, run_check, on_checked, k);
	}
}

/* A user that is not there takes as long as one that is. */
static void check_password(struct api_auth *a, struct http_request *r, const struct credentials *c,
			   known_fn known, void *arg)
{
	const struct htpasswd_user *u = htpasswd_find(&a->secrets.htpasswd, c->user);
	struct check *k;

	if (a->n_waiting >= AUTH_WAITING) {
		slow_down(a, r);
		return;
	}
	k = xnew(struct check);
	k->a = a;
	k->r = r;
	k->c = *c;
	k->has_user = u;
	(void)str_copy(k->hash, sizeof(k->hash), u ? u->hash : a->secrets.htpasswd.users[0].hash);
	k->known = known;
	k->arg = arg;
	http_request_on_gone(r, on_client_gone, k);
	TAILQ_INSERT_TAIL(&a->waiting, k, link);
	a->n_waiting++;
	start_waiting(a);
}

void api_auth_check(struct api_auth *a, struct http_request *r, known_fn known, void *arg)
{
	struct caller who = { .role = ROLE_NONE };
	struct credentials c;
	bool is_known;

	api_auth_refresh(a, false);
	read_credentials(r, &c);
	if (http_request_edit_query(r))
		credentials_strip_query(http_request_edit_query(r));
	is_known = find_by_header(a, r, &who) || find(a, &c, &who);
	if (is_known)
		known(r, &who, arg);
	else if (c.kind == CREDENTIALS_NONE && !http_request_header(r, "X-Admin-Token"))
		deny(a, r);
	else if (!may_try(a, r))
		slow_down(a, r);
	else if (c.kind == CREDENTIALS_PASSWORD && a->secrets.htpasswd.n)
		check_password(a, r, &c, known, arg);
	else
		deny_wrong(a, r);
	credentials_deinit(&c);
}

bool api_auth_is_likely(struct api_auth *a, const struct http_request *r)
{
	struct caller who;
	struct credentials c;
	bool likely;

	api_auth_refresh(a, false);
	read_credentials(r, &c);
	likely = find_by_header(a, r, &who) || find(a, &c, &who) ||
		 (c.kind == CREDENTIALS_PASSWORD && htpasswd_find(&a->secrets.htpasswd, c.user));
	credentials_deinit(&c);
	return likely;
}

void api_auth_refresh(struct api_auth *a, bool now)
{
	if (!secrets_refresh(&a->secrets, now))
		return;
	recent_reset(&a->recent);
	if (a->changed)
		a->changed(a->changed_arg);
}

void api_auth_on_change(struct api_auth *a, void (*changed)(void *arg), void *arg)
{
	a->changed = changed;
	a->changed_arg = arg;
}

bool api_auth_is_stale(const struct api_auth *a)
{
	return a->secrets.is_stale;
}

uint64_t api_auth_n_denied(const struct api_auth *a)
{
	return a->n_denied;
}

int api_auth_new(struct api_auth **ret, const struct config *c, void *loop, struct err *e)
{
	struct api_auth *a = xnew(struct api_auth);
	uint64_t key = 0;
	int rc;

	a->config = c;
	a->loop = loop;
	TAILQ_INIT(&a->waiting);
	recent_reset(&a->recent);
	(void)!getrandom(&key, sizeof(key), GRND_NONBLOCK);
	rate_table_init(&a->wrong, 1, AUTH_BURST, key);
	rc = secrets_load(&a->secrets, &c->api, e);
	if (rc) {
		free(a);
		return rc;
	}
	*ret = a;
	return 0;
}

static void free_if_ended(struct api_auth *a)
{
	if (!a->is_ending || a->n_running)
		return;
	explicit_bzero(a, sizeof(*a));
	free(a);
}

void api_auth_free(struct api_auth *a)
{
	if (!a)
		return;
	a->is_ending = true;
	start_waiting(a);
	free_if_ended(a);
}
