/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lifetime: a client lives until its two handles are closed and its work has come back; the server until its own
 * handle and all clients are gone.  Work never touches a client: it has its own copy of the quote.
 */
#include "key-provider/server.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "key-provider/conn.h"
#include "key-provider/journal.h"
#include "key-provider/judge.h"
#include "key-provider/keys.h"
#include "key-provider/peer_name.h"
#include "key-provider/sealer.h"
#include "loop/work.h"

enum { BACKLOG_AT_ONCE = 16 };

struct server {
	uv_loop_t *loop;
	struct server_options options;
	uv_poll_t listener;
	int fd;
	unsigned int n_handles; /* its own and all clients' */
	unsigned int n_clients, n_jobs;
	size_t n_held;
	bool is_stopping;
	LIST_HEAD(, client) clients;
	void (*done)(void *arg);
	void *done_arg;
};

struct client {
	LIST_ENTRY(client) link;
	struct server *server;
	struct conn conn;
	char name[PEER_NAME_SIZE];
	uv_poll_t poll;
	uv_timer_t deadline;
	unsigned int n_handles;
	size_t n_held;	 /* of the request, as the server counts it */
	struct job *job; /* under way; NULL: none */
};

/* What the pool works on.  Its client may be gone when it comes back. */
struct job {
	struct server *server;
	struct client *client; /* NULL: gone */
	char from[PEER_NAME_SIZE];
	struct buf quote;
	struct judged judged;
	struct key_frame_answer answer;
	int rc;
	struct err e;
};

static void release(struct server *s)
{
	void (*done)(void *arg) = s->done;
	void *arg = s->done_arg;

	if (s->n_handles > 0 || s->n_jobs > 0)
		return;
	free(s);
	if (done)
		done(arg);
}

static void hold(struct client *c, size_t n)
{
	c->server->n_held += n - c->n_held;
	c->n_held = n;
}

static void on_client_closed(uv_handle_t *h)
{
	struct client *c = h->data;
	struct server *s = c->server;

	s->n_handles--;
	if (--c->n_handles == 0) {
		hold(c, 0);
		conn_deinit(&c->conn);
		free(c);
		s->n_clients--;
	}
	release(s);
}

static void client_close(struct client *c)
{
	if (uv_is_closing((uv_handle_t *)&c->poll))
		return;
	LIST_REMOVE(c, link);
	if (c->job)
		c->job->client = NULL;
	uv_close((uv_handle_t *)&c->poll, on_client_closed);
	uv_close((uv_handle_t *)&c->deadline, on_client_closed);
}

static void refuse(struct client *c, const struct err *why)
{
	journal_refusal(c->server->options.journal, c->name, why);
	client_close(c);
}

static void on_deadline(uv_timer_t *t)
{
	struct client *c = t->data;
	struct err e = ERR_NONE;

	(void)err_set(&e, -ETIMEDOUT, "not done within %u ms", c->server->options.timeout_ms);
	refuse(c, &e);
}

static void judge_it(void *arg)
{
	struct job *job = arg;
	const struct server_options *o = &job->server->options;
	int64_t now = (int64_t)(time_unix_ms() / 1000);

	job->rc = judge_quote(o->judge, job->quote.p, job->quote.n, now, &job->judged, &job->e);
	if (job->rc == 0)
		job->rc = sealer_seal(o->keys, &job->judged.quote.td, job->quote.p, job->quote.n,
				      &job->answer, &job->e);
}

static void on_writable(uv_poll_t *p, int status, int events)
{
	struct client *c = p->data;
	struct err e = ERR_NONE;
	int rc = conn_write(&c->conn, &e);

	(void)status; /* the socket's own error is told by send() */
	(void)events;
	if (rc < 0)
		log_info("%s: %s", c->name, e.text);
	if (rc != 0)
		client_close(c);
}

static int begin_answer(struct client *c, const struct job *job, struct err *e)
{
	int rc = key_frame_respond(&c->conn.out, &job->answer, e);

	if (rc == 0)
		rc = journal_key(c->server->options.journal, job->from, &job->judged, e);
	if (rc < 0)
		return rc;
	log_info("%s: a key was handed out", job->from);
	(void)uv_timer_start(&c->deadline, on_deadline, c->server->options.timeout_ms, 0);
	(void)uv_poll_start(&c->poll, UV_WRITABLE, on_writable);
	return 0;
}

static void on_judged(void *arg)
{
	struct job *job = arg;
	struct server *s = job->server;
	struct client *c = job->client;
	struct err e = job->e;
	int rc = job->rc;

	s->n_jobs--;
	if (c)
		c->job = NULL;
	if (c && rc == 0)
		rc = begin_answer(c, job, &e);
	if (c && rc < 0)
		refuse(c, &e);
	buf_deinit(&job->quote);
	key_frame_answer_deinit(&job->answer);
	free(job);
	release(s);
}

/* The request is whole: its client waits, without a deadline of ours, for the judge, who has one. */
static int begin_work(struct client *c, struct err *e)
{
	struct job *job = xnew(struct job);
	int rc = conn_take(&c->conn, &job->quote, e);

	if (rc < 0) {
		free(job);
		return rc;
	}
	(void)uv_poll_stop(&c->poll);
	(void)uv_timer_stop(&c->deadline);
	hold(c, job->quote.n);
	job->server = c->server;
	job->client = c;
	memcpy(job->from, c->name, sizeof(job->from));
	c->job = job;
	c->server->n_jobs++;
	work_start(c->server->loop, judge_it, on_judged, job);
	return 0;
}

static void on_readable(uv_poll_t *p, int status, int events)
{
	struct client *c = p->data;
	struct err e = ERR_NONE;
	int rc = conn_read(&c->conn, &e);

	(void)status; /* the socket's own error is told by recv() */
	(void)events;
	hold(c, c->conn.in.cap);
	if (rc == 0 && c->server->n_held > SERVER_HELD_MAX)
		rc = err_set(&e, ERR_LIMIT, "requests of %zu bytes together, too many at once",
			     c->server->n_held);
	if (rc > 0)
		rc = begin_work(c, &e);
	if (rc == -ENODATA)
		client_close(c); /* who looks whether somebody listens asks for nothing */
	else if (rc < 0)
		refuse(c, &e);
}

static void add_client(struct server *s, int fd)
{
	struct client *c = xnew(struct client);

	c->server = s;
	if (uv_poll_init(s->loop, &c->poll, fd) < 0) {
		(void)fd_close(fd);
		free(c);
		return;
	}
	conn_init(&c->conn, fd);
	peer_name_of(fd, c->name);
	(void)uv_timer_init(s->loop, &c->deadline);
	c->poll.data = c;
	c->deadline.data = c;
	c->n_handles = 2;
	s->n_handles += 2;
	s->n_clients++;
	LIST_INSERT_HEAD(&s->clients, c, link);
	(void)uv_timer_start(&c->deadline, on_deadline, s->options.timeout_ms, 0);
	(void)uv_poll_start(&c->poll, UV_READABLE, on_readable);
}

/* Who is one too many is accepted all the same, so that he sees it at once. */
static void on_connection(uv_poll_t *p, int status, int events)
{
	struct server *s = p->data;
	int i, fd;

	(void)status;
	(void)events;
	for (i = 0; i < BACKLOG_AT_ONCE; i++) {
		fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			return;
		if (s->n_clients >= SERVER_CONNS_MAX)
			(void)fd_close(fd);
		else
			add_client(s, fd);
	}
}

int server_start(struct server **ret, uv_loop_t *loop, const struct server_options *o, int fd,
		 struct err *e)
{
	struct server *s = xnew(struct server);
	int rc = uv_poll_init(loop, &s->listener, fd);

	if (rc < 0) {
		(void)fd_close(fd);
		free(s);
		return err_set(e, rc, "watching the listening socket: %s", uv_strerror(rc));
	}
	s->loop = loop;
	s->options = *o;
	if (!s->options.timeout_ms)
		s->options.timeout_ms = SERVER_TIMEOUT_MS;
	s->fd = fd;
	s->listener.data = s;
	s->n_handles = 1;
	LIST_INIT(&s->clients);
	(void)uv_poll_start(&s->listener, UV_READABLE, on_connection);
	*ret = s;
	return 0;
}

static void on_listener_closed(uv_handle_t *h)
{
	struct server *s = h->data;

	s->fd = fd_close(s->fd);
	s->n_handles--;
	release(s);
}

void server_stop(struct server *s, void (*done)(void *arg), void *arg)
{
	struct client *c;

	if (!s || s->is_stopping)
		return;
	s->is_stopping = true;
	s->done = done;
	s->done_arg = arg;
	while ((c = LIST_FIRST(&s->clients)))
		client_close(c);
	uv_close((uv_handle_t *)&s->listener, on_listener_closed);
}
