/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation.  libmicrohttpd (in "external epoll" mode) has an epoll fd; the loop polls it and
 * calls MHD_run().  We accept, so a listener whose server is full, out of tokens or out of its share of
 * processor time is simply not polled, and its peer waits in the kernel's backlog.
 *
 * A request is handed on when it is whole.  Until the answer comes its connection is suspended: no byte
 * of it is read.  An answer resumes it and asks for MHD_run() before the loop sleeps (http_server_wake).
 *
 * Deadlines are ours, not libmicrohttpd's, which restarts its own with each byte: a connection has until
 * deadline_ms to complete what it is doing, then its socket is shut down and libmicrohttpd closes it.
 *
 * While a TLS client has sent a part of a record, libmicrohttpd asks to be run again at once, and again.  A timer of
 * no length that its own callback starts is run by libuv in one go, for ever: so each time that nothing came of it
 * the pause is longer, until something happens.
 *
 * Processor time is measured around MHD_run() and accept(): parsing, bodies and the handlers' work count.
 *
 * Lifetime: the server lives until its n_handles handles (inits minus close callbacks) are closed; then
 * libmicrohttpd is stopped, which ends every connection and request, then it is freed.
 */
#include "loop/http_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"

enum {
	SWEEP_MS = 250,
	MEMORY_PER_CONN = 32 * 1024, /* headers, and the window that bodies are read through */
	SPARE_CONNS = 8,
	AGAIN_MS_MAX = 20,
};

uint64_t http_server_now(const struct http_server *s)
{
	(void)s; /* not uv_now(): a long handler makes it old, and credit would be lost */
	return time_mono_ms();
}

unsigned int http_server_n_conns(const struct http_server *s)
{
	return s->n_conns;
}

uint64_t http_server_n_refused(const struct http_server *s)
{
	return s->n_refused;
}

uint64_t http_server_cpu_us(void)
{
	struct timespec t;

	if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t) < 0)
		return 0;
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* Requests that wait for a token: first come, first served. */
static void wake_waiting(struct http_server *s)
{
	struct http_request *r;

	while ((r = TAILQ_FIRST(&s->waiting)) && rate_take(&s->rate, http_server_now(s))) {
		TAILQ_REMOVE(&s->waiting, r, link);
		r->is_waiting = false;
		r->has_token = true;
		http_request_resume(r);
	}
}

static void run(struct http_server *s)
{
	uint64_t since;

	if (s->is_running || s->is_stopping)
		return;
	since = http_server_cpu_us();
	s->is_running = true;
	wake_waiting(s);
	(void)MHD_run(s->mhd);
	s->is_running = false;
	rate_share_spend(&s->share, http_server_cpu_us() - since, http_server_now(s));
	if (!s->is_stopping)
		http_server_plan(s);
}

static void on_again(uv_timer_t *t)
{
	struct http_server *s = t->data;

	s->n_again++;
	run(s);
}

static void on_events(uv_poll_t *p, int status, int events)
{
	struct http_server *s = p->data;

	(void)status; /* an epoll fd has no errors of its own */
	(void)events;
	s->n_again = 0;
	run(s);
}

static void on_before(uv_prepare_t *p)
{
	struct http_server *s = p->data;

	(void)uv_prepare_stop(p);
	if (rate_share_wait_ms(&s->share, http_server_now(s)) == 0)
		run(s);
}

static void on_leaving(uv_poll_t *p, int status, int events)
{
	struct http_server *s = p->data;
	struct epoll_event ev;

	(void)status;
	(void)events;
	/* one at a time: what a handler does on hearing of it may end others */
	while (epoll_wait(s->gone_fd, &ev, 1, 0) == 1)
		http_conn_left(ev.data.ptr);
}

void http_server_wake(struct http_server *s)
{
	if (!s->is_stopping)
		(void)uv_prepare_start(&s->before, on_before);
}

/* Close what has passed its deadline. */
static void on_sweep(uv_timer_t *t)
{
	struct http_server *s = t->data;
	uint64_t now = http_server_now(s);
	struct http_conn *c;

	if (s->n_conns == 0)
		(void)uv_timer_stop(t);
	LIST_FOREACH(c, &s->conns, link) {
		if (c->deadline_ms == 0 || now < c->deadline_ms)
			continue;
		c->deadline_ms = 0;
		(void)shutdown(c->fd, SHUT_RDWR); /* libmicrohttpd sees it and closes */
	}
}

void http_server_watch_deadlines(struct http_server *s)
{
	if (!uv_is_active((const uv_handle_t *)&s->sweep))
		(void)uv_timer_start(&s->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
}

/* When libmicrohttpd wants to be run again, or UINT64_MAX.  The theory above says why not always at once. */
static uint64_t again_ms(const struct http_server *s)
{
	uint64_t least = s->n_again < AGAIN_MS_MAX ? s->n_again : AGAIN_MS_MAX;
	MHD_UNSIGNED_LONG_LONG wait;

	if (MHD_get_timeout(s->mhd, &wait) != MHD_YES)
		return UINT64_MAX;
	return wait < least ? least : wait;
}

void http_server_plan(struct http_server *s)
{
	uint64_t now = http_server_now(s);
	uint64_t share = rate_share_wait_ms(&s->share, now);
	uint64_t token = rate_wait_ms(&s->rate, now);
	uint64_t wait = UINT64_MAX;
	bool may_accept = share == 0 && token == 0 && now >= s->accept_after_ms;

	if (share > 0) {
		if (uv_is_active((const uv_handle_t *)&s->events))
			(void)uv_poll_stop(&s->events);
		wait = share;
	} else {
		/* libuv takes a handle that it polls out of its epoll and puts it in again */
		if (!uv_is_active((const uv_handle_t *)&s->events))
			(void)uv_poll_start(&s->events, UV_READABLE, on_events);
		wait = again_ms(s);
		if (token > 0 && token < wait)
			wait = token;
		if (now < s->accept_after_ms && s->accept_after_ms - now < wait)
			wait = s->accept_after_ms - now;
	}
	http_listeners_plan(s, may_accept && s->n_conns < s->o.conns_max);
	if (wait == UINT64_MAX)
		(void)uv_timer_stop(&s->again);
	else
		(void)uv_timer_start(&s->again, on_again, wait, 0);
}

__attribute__((format(printf, 2, 0))) static void on_mhd_log(void *arg, const char *fmt, va_list ap)
{
	char text[256], safe[512];

	(void)arg;
	if (vsnprintf(text, sizeof(text), fmt, ap) < 0)
		return;
	text[strcspn(text, "\n")] = 0;
	log_debug("http: %s", str_escape(safe, sizeof(safe), text, strlen(text)));
}

static char tls_priorities[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2";

static struct MHD_Daemon *mhd_start(struct http_server *s)
{
	unsigned int flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_NO_LISTEN_SOCKET |
			     MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[] = {
		{ MHD_OPTION_HTTPS_MEM_CERT, 0, s->tls_cert },
		{ MHD_OPTION_HTTPS_MEM_KEY, 0, s->tls_key },
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, tls_priorities },
		{ MHD_OPTION_END, 0, NULL },
	};

	if (s->tls_cert)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	return MHD_start_daemon(
		flags, 0, NULL, NULL, http_request_step, s, MHD_OPTION_EXTERNAL_LOGGER, on_mhd_log,
		s, MHD_OPTION_URI_LOG_CALLBACK, http_request_begin, s, MHD_OPTION_NOTIFY_COMPLETED,
		http_request_end, s, MHD_OPTION_NOTIFY_CONNECTION, http_conn_notify, s,
		MHD_OPTION_CONNECTION_LIMIT, s->o.conns_max + SPARE_CONNS,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, s->o.ip_conns_max, MHD_OPTION_ARRAY, tls,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_PER_CONN, MHD_OPTION_END);
}

static void set_options(struct http_server *s, const struct http_server_options *o)
{
	s->o = *o;
	s->tls_cert = o->tls_cert ? xstrdup(o->tls_cert) : NULL;
	s->tls_key = o->tls_key ? xstrdup(o->tls_key) : NULL;
	s->o.tls_cert = s->o.tls_key = NULL;
	if (s->o.conns_max == 0)
		s->o.conns_max = 64;
	if (s->o.idle_s == 0)
		s->o.idle_s = 15;
	if (s->o.body_max == 0)
		s->o.body_max = (size_t)10 * 1024 * 1024;
	if (s->o.bodies_max == 0)
		s->o.bodies_max = s->o.conns_max * s->o.body_max;
}

static void set_rates(struct http_server *s)
{
	uint64_t now = http_server_now(s);
	uint64_t key = 0;

	rate_init(&s->rate, s->o.rate_per_s, s->o.burst, now);
	rate_share_init(&s->share, s->o.share_percent, now);
	if (s->o.ip_rate_per_s == 0)
		return;
	/* without a key the table still bounds, it only can be aimed at */
	(void)!getrandom(&key, sizeof(key), GRND_NONBLOCK);
	s->clients = xnew(struct rate_table);
	rate_table_init(s->clients, s->o.ip_rate_per_s, s->o.ip_burst, key);
}

static void server_free(struct http_server *s)
{
	(void)fd_close(s->gone_fd);
	free(s->clients);
	free(s->tls_cert);
	if (s->tls_key)
		explicit_bzero(s->tls_key, strlen(s->tls_key));
	free(s->tls_key);
	free(s);
}

/* On failure http_server_stop() closes what was begun: a handle without data was not. */
static int start_handles(struct http_server *s, int mhd_fd)
{
	int rc;

	(void)uv_prepare_init(s->loop, &s->before);
	(void)uv_timer_init(s->loop, &s->again);
	(void)uv_timer_init(s->loop, &s->sweep);
	s->n_handles = 3;
	s->before.data = s;
	s->again.data = s;
	s->sweep.data = s;
	rc = uv_poll_init(s->loop, &s->events, mhd_fd);
	if (rc < 0)
		return rc;
	s->n_handles++;
	s->events.data = s;
	rc = uv_poll_init(s->loop, &s->leaving, s->gone_fd);
	if (rc < 0)
		return rc;
	s->n_handles++;
	s->leaving.data = s;
	return uv_poll_start(&s->leaving, UV_READABLE, on_leaving);
}

int http_server_start(struct http_server **ret, uv_loop_t *loop,
		      const struct http_server_options *o, struct err *e)
{
	struct http_server *s = xnew(struct http_server);
	const union MHD_DaemonInfo *info;
	int rc;

	s->loop = loop;
	set_options(s, o);
	set_rates(s);
	LIST_INIT(&s->listeners);
	LIST_INIT(&s->conns);
	TAILQ_INIT(&s->waiting);
	s->gone_fd = epoll_create1(EPOLL_CLOEXEC);
	s->mhd = s->gone_fd < 0 ? NULL : mhd_start(s);
	info = s->mhd ? MHD_get_daemon_info(s->mhd, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (!info) {
		if (s->mhd)
			MHD_stop_daemon(s->mhd);
		server_free(s);
		if (o->tls_cert) {
			return err_set(e, ERR_INPUT,
				       "starting an HTTPS server: certificate and key must be PEM "
				       "and belong together");
		}
		return err_set(e, -ENFILE, "starting an HTTP server: no more file descriptors");
	}
	rc = start_handles(s, info->epoll_fd);
	if (rc < 0) {
		http_server_stop(s, NULL, NULL);
		return err_set(e, rc, "starting an HTTP server: %s", uv_strerror(rc));
	}
	http_server_plan(s);
	*ret = s;
	return 0;
}

void http_server_drop_streams(struct http_server *s)
{
	struct http_conn *c;

	LIST_FOREACH(c, &s->conns, link) {
		if (c->stream)
			http_stream_left(c->stream);
	}
}

void http_server_handle_closed(struct http_server *s)
{
	struct http_conn *c;
	void (*done)(void *arg) = s->done;
	void *arg = s->done_arg;

	if (--s->n_handles > 0)
		return;
	/* libmicrohttpd aborts the program if it is stopped with a connection suspended */
	LIST_FOREACH(c, &s->conns, link) {
		if (c->request)
			http_request_resume(c->request);
		if (c->stream)
			http_stream_left(c->stream);
	}
	MHD_stop_daemon(s->mhd);
	server_free(s);
	if (done)
		done(arg);
}

static void on_closed(uv_handle_t *h)
{
	http_server_handle_closed(h->data);
}

static void close_once(uv_handle_t *h)
{
	if (h->data && !uv_is_closing(h))
		uv_close(h, on_closed);
}

void http_server_stop(struct http_server *s, void (*done)(void *arg), void *arg)
{
	if (!s || s->is_stopping)
		return;
	s->is_stopping = true;
	s->done = done;
	s->done_arg = arg;
	http_listeners_close(s);
	close_once((uv_handle_t *)&s->events);
	close_once((uv_handle_t *)&s->leaving);
	close_once((uv_handle_t *)&s->before);
	close_once((uv_handle_t *)&s->again);
	close_once((uv_handle_t *)&s->sweep);
}
