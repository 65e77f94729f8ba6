/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/gateway_session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "base/time.h"
#include "data/app_compose.h"
#include "guest-stub/gateway_words.h"
#include "guest-stub/gateway_worker.h"

enum { IDENTITY_FRESH_MS = 3600 * 1000, PORT_CONNECT_MS = 1000, IDLE_MS = 60000, MS = 1000 };

/* ---- to PID 1 ---- */

static void say(const struct gateway_session *s, char word, const char *text)
{
	char packet[GATEWAY_WORDS_MAX];
	int n = snprintf(packet, sizeof(packet), "%c%s", word, text);

	if (n > 0 && send(s->args.words, packet, strlen(packet), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		log_warn("gateway: init cannot be told: %s", err_name(-errno));
}

/* A URL as the operator gave it.  Return: borrowed, until the next. */
static const char *base_of(struct gateway_session *s, size_t at)
{
	(void)str_format(s->shown, sizeof(s->shown), "%.*s",
			 (int)(strlen(s->urls[at]) - strlen("/prpc")), s->urls[at]);
	return s->shown;
}

/* ---- the file ---- */

static void write_status(struct gateway_session *s)
{
	struct err e = ERR_NONE;
	char *text;
	int fd;

	s->status.state = s->pace.is_alive	   ? "up"
			  : s->pace.has_died	   ? "lost"
			  : s->pace.was_registered ? "connecting"
						   : "registering";
	(void)str_copy(s->status.url, sizeof(s->status.url),
		       s->has_told_ok ? base_of(s, s->at) : "");
	s->status.is_ready = s->told_ready;
	text = gateway_status_json(&s->status);
	if (!s->args.status || (s->status_text && str_equal(text, s->status_text))) {
		free(text);
		return;
	}
	fd = open(s->args.status, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (file_replace(fd, GATEWAY_STATUS_FILE, 0644, text, strlen(text), &e) < 0)
		log_warn("gateway: %s", e.text);
	(void)fd_close(fd);
	free(s->status_text);
	s->status_text = text;
}

/* ---- the worker ---- */

static int ask(const struct gateway_session *s, const struct gateway_question *q,
	       struct gateway_told *ret, struct err *e)
{
	return gateway_worker_ask(s->args.worker, q, ret, e);
}

static int open_iface(struct gateway_session *s, struct err *e)
{
	const struct gateway_question q = { .ask = GATEWAY_ASK_OPEN };
	struct gateway_told t;
	int r = s->has_key ? 0 : ask(s, &q, &t, e);

	if (r == 0 && !s->has_key)
		memcpy(s->key, t.key, sizeof(s->key));
	s->has_key = r == 0;
	return r;
}

static void renew_peers(const struct gateway_session *s)
{
	struct gateway_question q = { .ask = GATEWAY_ASK_RENEW };
	struct gateway_told t;
	struct err e = ERR_NONE;
	size_t i;

	for (i = 0; i < s->status.tunnel.n; i++) {
		memcpy(q.key, s->status.tunnel.peers[i].key, GATEWAY_KEY);
		if (ask(s, &q, &t, &e) < 0)
			log_warn("gateway: new session: %s", e.text);
	}
}

static uint64_t take_peers(struct gateway_session *s, const struct gateway_told *t)
{
	struct gateway_status *st = &s->status;
	uint64_t received = 0;
	size_t i, k;

	for (i = 0; i < t->n; i++) {
		received += t->peers[i].received;
		for (k = 0; k < st->tunnel.n; k++) {
			if (memcmp(st->tunnel.peers[k].key, t->peers[i].key, GATEWAY_KEY) == 0)
				st->handshakes[k] = t->peers[i].handshake;
		}
	}
	return received;
}

static int look(struct gateway_session *s, struct err *e)
{
	const struct gateway_question q = { .ask = GATEWAY_ASK_LOOK };
	struct gateway_told t;
	uint64_t now, received;
	int r = ask(s, &q, &t, e);

	if (r == -EPIPE)
		return r;
	if (r < 0)
		log_warn("gateway: %s", e->text); /* counts as silence */
	now = time_mono_ms();
	received = r < 0 ? s->pace.received : take_peers(s, &t);
	switch (gateway_pace_looked(&s->pace, now, received)) {
	case GATEWAY_PACE_LIVES:
		log_info("gateway: the tunnel is up");
		break;
	case GATEWAY_PACE_DIED:
		log_warn("gateway: nothing comes from the tunnel any more");
		break;
	case GATEWAY_PACE_NOTHING:
		break;
	}
	if (gateway_pace_wants_renewal(&s->pace, now))
		renew_peers(s);
	if (s->n_urls > 1 && gateway_pace_wants_another(&s->pace, now)) {
		log_warn("gateway: %s answers, but its tunnel does not: the next one is tried",
			 base_of(s, s->at));
		s->at = (s->at + 1) % s->n_urls;
	}
	return 0;
}

/* ---- is the app ready ---- */

/* The way that a gateway takes: to our own address in the tunnel. */
static bool is_port_open(uint32_t address, uint16_t port)
{
	auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const struct sockaddr_in a = { .sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(address) };
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int fault = 0;
	socklen_t n = sizeof(fault);

	if (fd < 0)
		return false;
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0)
		return true;
	return errno == EINPROGRESS && poll(&p, 1, PORT_CONNECT_MS) == 1 &&
	       getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &n) == 0 && fault == 0;
}

static bool wants_port(const struct gateway_session *s)
{
	return s->args.app->ready_port && s->is_up && s->status.tunnel.client;
}

static void look_at_port(struct gateway_session *s, uint64_t now)
{
	uint32_t address = s->args.app_address ? s->args.app_address : s->status.tunnel.client;
	bool is_steady;

	if (!wants_port(s) || now < s->port_ms)
		return;
	if (is_port_open(address, s->args.app->ready_port)) {
		s->is_port_open = true;
		s->n_misses = 0;
	} else if (++s->n_misses >= GATEWAY_PORT_MISSES) {
		s->is_port_open = false;
	}
	is_steady = s->is_port_open && s->n_misses == 0;
	s->port_ms = now + (is_steady ? GATEWAY_PORT_MS : GATEWAY_PORT_SOON_MS);
}

static bool is_ready(const struct gateway_session *s)
{
	return s->is_up && !s->leaves && (!s->args.app->ready_port || s->is_port_open);
}

/* ---- registering ---- */

static int need_identity(struct gateway_session *s, struct err *e)
{
	uint64_t now_s = time_unix_ms() / MS;
	struct gateway_identity i = { .chain = NULL };
	int r;

	if (s->identity.chain && now_s + GATEWAY_CERT_LEFT_S < s->identity.until_s)
		return 0;
	r = gateway_identity_get(s->args.agent, now_s, &i, e);
	if (r < 0)
		return r;
	gateway_identity_deinit(&s->identity);
	s->identity = i;
	s->identity_ms = time_mono_ms();
	return 0;
}

static int set_tunnel(struct gateway_session *s, const struct gateway_answer *a, struct err *e)
{
	struct gateway_question q = { .ask = GATEWAY_ASK_SET };
	struct gateway_told t;
	int r = gateway_client_resolve(a, &q.tunnel, e);

	if (r == 0)
		r = ask(s, &q, &t, e);
	if (r < 0)
		return r;
	s->status.tunnel = q.tunnel;
	memset(s->status.handshakes, 0, sizeof(s->status.handshakes));
	memcpy(s->status.domain, a->domain, sizeof(a->domain));
	s->status.external_port = a->external_port;
	return 0;
}

static int try_one(struct gateway_session *s, size_t at, unsigned int timeout_ms, struct err *e)
{
	bool ready = is_ready(s);
	auto_free char *body = gateway_client_body(s->key, s->args.app, ready);
	const struct gateway_call c = { .url = s->urls[at],
					.app_id = s->app_id,
					.identity = &s->identity,
					.body = body,
					.timeout_ms = timeout_ms };
	struct gateway_answer a;
	int r = gateway_client_register(&c, &a, e);

	if (r == 0) {
		r = set_tunnel(s, &a, e);
		if (r < 0 && r != -EPIPE)
			(void)err_wrap(e, r, "%s", base_of(s, at));
	}
	if (r == 0) {
		s->at = at;
		s->told_ready = ready;
	}
	return r;
}

/* The one that works first, then the others in their order.  Return: 0; -EPIPE; the first one's failure. */
static int try_all(struct gateway_session *s, struct err *e)
{
	struct err one = ERR_NONE;
	size_t i, from = s->at;
	int r = ERR_MISSING, first = 0;

	for (i = 0; i < s->n_urls; i++) {
		r = try_one(s, (from + i) % s->n_urls, GATEWAY_CLIENT_MS, &one);
		if (r == 0 || r == -EPIPE)
			return r;
		if (s->n_urls > 1)
			log_warn("gateway: %s", one.text);
		if (i == 0) {
			first = r;
			*e = one;
		}
	}
	return first;
}

static void went_well(struct gateway_session *s)
{
	char text[GATEWAY_URL_MAX + 64], address[INET_ADDRSTRLEN];

	s->status.registered_s = time_unix_ms() / MS;
	if (*s->status.error || !s->has_told_ok) {
		(void)str_format(
			text, sizeof(text), "registered with %s, address %s", base_of(s, s->at),
			gateway_answer_address(s->status.tunnel.client, address, sizeof(address)));
		log_info("gateway: %s", text);
		if (!s->has_told_ok)
			say(s, GATEWAY_WORD_REGISTERED, text);
		s->has_told_ok = true;
	}
	s->status.error[0] = 0;
}

static void went_wrong(struct gateway_session *s, const struct err *e)
{
	if (!str_equal(e->text, s->status.error))
		log_warn("gateway: registration failed: %s", e->text);
	(void)str_copy(s->status.error, sizeof(s->status.error), e->text);
	if (!s->has_told_error && !s->has_told_ok)
		say(s, GATEWAY_WORD_ERROR, e->text);
	s->has_told_error = true;
	/* an old certificate may be what is wrong */
	if (s->identity.chain && time_mono_ms() - s->identity_ms > IDENTITY_FRESH_MS)
		s->identity.until_s = 0;
}

/* The agent is started after us. */
static bool is_agent_late(const struct gateway_session *s, int r)
{
	return (r == -ENOENT || r == -ECONNREFUSED) && !s->identity.chain &&
	       time_mono_ms() - s->begun_ms < GATEWAY_AGENT_AWAY_MS;
}

static int round_of(struct gateway_session *s, struct err *e)
{
	uint32_t random;
	int r = open_iface(s, e);

	if (r == 0) {
		r = need_identity(s, e);
		if (is_agent_late(s, r)) {
			s->pace.next_ms = time_mono_ms() + GATEWAY_AGENT_PAUSE_MS;
			return 0;
		}
	}
	if (r == 0)
		r = try_all(s, e);
	if (r == -EPIPE)
		return r;
	secret_random(&random, sizeof(random));
	gateway_pace_registered(&s->pace, time_mono_ms(), r == 0, random);
	if (r == 0)
		went_well(s);
	else
		went_wrong(s, e);
	return 0;
}

/* What matters is that no new client comes; that it could not be said holds up nothing. */
static void leave(struct gateway_session *s)
{
	struct err e = ERR_NONE;

	s->has_left = true;
	if (s->has_told_ok && s->told_ready && try_one(s, s->at, GATEWAY_LEAVE_MS, &e) < 0)
		log_warn("gateway: it could not be told that the app stops: %s", e.text);
	say(s, GATEWAY_WORD_LEFT, "");
}

/* ---- the loop ---- */

/* Return: false when PID 1 is gone. */
static bool hear(struct gateway_session *s)
{
	char word;
	ssize_t n;

	while ((n = recv(s->args.words, &word, 1, MSG_DONTWAIT)) == 1) {
		s->is_up |= word == GATEWAY_WORD_UP;
		s->leaves |= word == GATEWAY_WORD_LEAVE;
	}
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static int act(struct gateway_session *s, struct err *e)
{
	int r = 0;

	if (s->leaves)
		return 0;
	look_at_port(s, time_mono_ms());
	if (gateway_pace_wants_look(&s->pace, time_mono_ms()))
		r = look(s, e);
	if (r == 0 && s->has_told_ok && is_ready(s) != s->told_ready)
		gateway_pace_hurry(&s->pace, time_mono_ms());
	if (r == 0 && gateway_pace_is_due(&s->pace, time_mono_ms()))
		r = round_of(s, e);
	return r;
}

static unsigned int wait_of(const struct gateway_session *s)
{
	uint64_t now = time_mono_ms();
	unsigned int wait = gateway_pace_wait(&s->pace, now);

	if (s->leaves)
		return IDLE_MS;
	if (wants_port(s) && s->port_ms < now + wait)
		wait = s->port_ms > now ? (unsigned int)(s->port_ms - now) : 0;
	return wait < IDLE_MS ? wait : IDLE_MS;
}

int gateway_session_run(struct gateway_session *s, struct err *e)
{
	struct pollfd p = { .fd = s->args.words, .events = POLLIN };
	struct err why = ERR_NONE;
	int r;

	s->begun_ms = time_mono_ms();
	gateway_pace_init(&s->pace, s->begun_ms);
	for (;;) {
		if (!hear(s))
			return 0;
		if (s->leaves && !s->has_left)
			leave(s);
		r = act(s, &why);
		if (r < 0)
			return err_set(e, r, "%s", why.text);
		write_status(s);
		(void)poll(&p, 1, (int)wait_of(s));
	}
}

int gateway_session_init(struct gateway_session *s, const struct gateway_session_args *a,
			 struct err *e)
{
	struct err one = ERR_NONE;
	size_t i;

	*s = (struct gateway_session){ .args = *a };
	s->urls = xcalloc(a->n_urls + 1, sizeof(*s->urls));
	for (i = 0; i < a->n_urls; i++) {
		if (gateway_client_url(a->urls[i], s->urls[s->n_urls], &one) == 0)
			s->n_urls++;
		else
			log_warn("gateway: URL %zu: %s", i + 1, one.text);
	}
	if (s->n_urls == 0)
		return err_set(e, ERR_INPUT, "%s", a->n_urls ? one.text : "Missing gateway urls");
	return gateway_client_app_id(a->gateway_app_id, s->app_id, e);
}

void gateway_session_deinit(struct gateway_session *s)
{
	gateway_identity_deinit(&s->identity);
	free(s->urls);
	free(s->status_text);
	*s = (struct gateway_session){ .args = { .words = -1 } };
}
