/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request belongs to two: libmicrohttpd until http_request_end(), and the handler from hand_over()
 * until its answer.  Who lets go last frees it.  libmicrohttpd calls http_request_step() when the headers
 * are there, again with each piece of the body, and again when all is there; after a suspension it
 * repeats the step it was in.
 */
#include "loop/http_parts.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

/* Beyond the limit as much again is read and thrown away, so a client gets to read why it was refused. */
enum { DISCARD_TIMES = 2, DISCARD_MIN = 64 * 1024 };

void *http_request_begin(void *arg, const char *uri, struct MHD_Connection *mhd)
{
	struct http_request *r = xnew(struct http_request);
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	char *mark;

	r->server = arg;
	r->loop = r->server->loop;
	r->conn = info->socket_context;
	r->conn->request = r;
	r->mhd = mhd;
	r->path = xstrdup(uri);
	mark = strchr(r->path, '?');
	if (mark)
		*mark++ = 0;
	r->query = mark;
	return r;
}

void http_request_free_if_done(struct http_request *r)
{
	if (r->mhd || r->with_handler)
		return;
	buf_deinit(&r->body);
	free(r->path);
	free(r);
}

void http_request_drop_body(struct http_request *r)
{
	if (r->server)
		r->server->bodies -= r->body.n;
	buf_deinit(&r->body);
}

void http_request_end(void *arg, struct MHD_Connection *mhd, void **context,
		      enum MHD_RequestTerminationCode why)
{
	struct http_request *r = *context;
	struct http_server *s = arg;
	void (*gone)(void *arg);

	(void)mhd;
	(void)why;
	if (!r)
		return;
	*context = NULL;
	if (r->is_waiting)
		TAILQ_REMOVE(&s->waiting, r, link);
	if (r->answer)
		MHD_destroy_response(r->answer);
	s->bodies -= r->body.n;
	if (r->conn->request == r)
		r->conn->request = NULL;
	http_conn_progress(r->conn, 0);
	gone = r->with_handler ? r->gone : NULL;
	r->server = NULL;
	r->conn = NULL;
	r->mhd = NULL;
	http_request_free_if_done(r);
	if (gone)
		gone(r->gone_arg);
}

static void suspend(struct http_request *r)
{
	r->conn->deadline_ms = 0; /* it is we who keep it waiting */
	r->is_suspended = true;
	MHD_suspend_connection(r->mhd);
	http_conn_watch(r->conn, true);
}

void http_request_resume(struct http_request *r)
{
	if (!r->is_suspended)
		return;
	r->is_suspended = false;
	http_conn_watch(r->conn, false);
	http_conn_progress(r->conn, 0);
	MHD_resume_connection(r->mhd);
	http_server_wake(r->server);
}

static enum MHD_Result queue_answer(struct http_request *r)
{
	enum MHD_Result rc = MHD_queue_response(r->mhd, (unsigned int)r->status, r->answer);

	http_conn_progress(r->conn, r->n_answer);
	r->conn->request = NULL;
	MHD_destroy_response(r->answer); /* libmicrohttpd holds its own reference */
	r->answer = NULL;
	return rc;
}

static enum MHD_Result hand_over(struct http_request *r)
{
	struct http_server *s = r->server;

	r->conn->deadline_ms = 0;
	r->with_handler = true;
	r->is_inside = true;
	s->o.on_request(r, s->o.arg);
	r->is_inside = false;
	if (r->answer)
		return queue_answer(r);
	suspend(r);
	return MHD_YES;
}

/* Before the body is read. */
static enum MHD_Result refuse(struct http_request *r, unsigned int status, char *text,
			      const char *header, const char *value)
{
	struct MHD_Response *m =
		MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_PERSISTENT);
	enum MHD_Result rc;

	r->server->n_refused++;
	(void)MHD_add_response_header(m, header, value);
	(void)MHD_add_response_header(m, "Content-Type", "text/plain");
	http_answer_headers(r->server, m);
	rc = MHD_queue_response(r->mhd, status, m);
	MHD_destroy_response(m);
	return rc;
}

/* More requests than this address may make. */
static enum MHD_Result refuse_rate(struct http_request *r)
{
	static char text[] = "too many requests\n";

	return refuse(r, 429, text, "Retry-After", "1");
}

/* What the headers say of where the request ends, and whom it is for. */
struct framing {
	unsigned int n_lengths, n_codings, n_hosts;
	bool is_strange;
};

static enum MHD_Result look_at(void *arg, enum MHD_ValueKind kind, const char *name,
			       const char *value)
{
	struct framing *f = arg;

	(void)kind;
	if (strcasecmp(name, "Content-Length") == 0)
		f->n_lengths++;
	else if (strcasecmp(name, "Host") == 0)
		f->n_hosts++;
	else if (strcasecmp(name, "Transfer-Encoding") == 0)
		f->n_codings++;
	if (strcasecmp(name, "Transfer-Encoding") == 0)
		f->is_strange = f->is_strange || !value || strcasecmp(value, "chunked") != 0;
	if (name[strcspn(name, " \t")]) /* "Content-Length : 5" */
		f->is_strange = true;
	return MHD_YES;
}

/*
 * Said twice or in another way, the end of the body is where each reader takes it to be: a proxy before us could
 * be made to pass on, as one caller's, a request that another caller hid in a body.  libmicrohttpd lets it pass.
 */
static bool is_ambiguous(const struct http_request *r)
{
	struct framing f = { .is_strange = false };

	(void)MHD_get_connection_values(r->mhd, MHD_HEADER_KIND, look_at, &f);
	return f.is_strange || f.n_lengths + f.n_codings > 1 || f.n_hosts > 1;
}

static enum MHD_Result refuse_framing(struct http_request *r)
{
	static char text[] = "the end of the request, or its host, is said twice or strangely\n";

	return refuse(r, 400, text, "Connection", "close");
}

static void set_too_large(struct http_request *r)
{
	r->is_too_large = true;
	r->server->n_refused++;
	http_request_drop_body(r);
}

static size_t read_at_most(const struct http_request *r)
{
	return r->body_max > DISCARD_MIN ? r->body_max * DISCARD_TIMES
					 : DISCARD_MIN * (size_t)DISCARD_TIMES;
}

/* The headers are there and the request has its token. */
static enum MHD_Result begin_body(struct http_request *r)
{
	struct http_server *s = r->server;
	const char *text = MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, "Content-Length");
	uint64_t n = 0;

	r->is_begun = true;
	r->body_max = s->o.body_max;
	if (s->o.body_max_of && s->o.body_max_of(r, s->o.arg) < r->body_max)
		r->body_max = s->o.body_max_of(r, s->o.arg);
	r->body = BUF_MAX(r->body_max);
	if (text && num_parse_u64(text, 0, UINT64_MAX, &n) < 0)
		n = UINT64_MAX; /* libmicrohttpd lets none pass */
	if (n > r->body_max)
		set_too_large(r);
	if (n > read_at_most(r) ||
	    (r->is_too_large && MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, "Expect")))
		return hand_over(r);
	http_conn_progress(r->conn, (size_t)n);
	return MHD_YES;
}

static enum MHD_Result admit(struct http_request *r, const char *method)
{
	struct http_server *s = r->server;
	uint64_t now = http_server_now(s);

	if (r->has_token)
		return begin_body(r);
	if (is_ambiguous(r))
		return refuse_framing(r);
	(void)str_copy(r->method, sizeof(r->method), method); /* a longer one is unknown: "" */
	if (s->clients &&
	    !rate_table_take(s->clients, (const struct sockaddr *)&r->conn->from, now))
		return refuse_rate(r);
	if (TAILQ_EMPTY(&s->waiting) && rate_take(&s->rate, now)) {
		r->has_token = true;
		return begin_body(r);
	}
	r->is_waiting = true;
	TAILQ_INSERT_TAIL(&s->waiting, r, link);
	suspend(r);
	return MHD_YES;
}

static enum MHD_Result take_body(struct http_request *r, const char *data, size_t n)
{
	struct http_server *s = r->server;

	r->n_seen += n;
	if (r->n_seen > read_at_most(r))
		return MHD_NO; /* hang up */
	if (!r->is_too_large && (s->bodies + n > s->o.bodies_max || buf_add(&r->body, data, n) < 0))
		set_too_large(r);
	else if (!r->is_too_large)
		s->bodies += n;
	return MHD_YES;
}

/* NOLINTNEXTLINE(readability-function-size): libmicrohttpd's type */
enum MHD_Result http_request_step(void *arg, struct MHD_Connection *mhd, const char *url,
				  const char *method, const char *version, const char *data,
				  size_t *n_data, void **context)
{
	struct http_server *s = arg;
	struct http_request *r = *context;
	size_t n = *n_data;

	(void)mhd;
	(void)url;
	(void)version;
	s->n_again = 0;
	if (!r || s->is_stopping)
		return MHD_NO;
	if (r->answer)
		return queue_answer(r);
	if (r->with_handler)
		return MHD_YES;
	if (!r->is_begun)
		return admit(r, method);
	*n_data = 0;
	return n ? take_body(r, data, n) : hand_over(r);
}

const char *http_request_method(const struct http_request *r)
{
	return r->method;
}

const char *http_request_path(const struct http_request *r)
{
	return r->path;
}

const char *http_request_query(const struct http_request *r)
{
	return r->query ? r->query : "";
}

const char *http_request_header(const struct http_request *r, const char *name)
{
	return r->mhd ? MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, name) : NULL;
}

const void *http_request_body(const struct http_request *r, size_t *ret_n)
{
	*ret_n = r->body.n;
	return r->body.p ? (const void *)r->body.p : "";
}

bool http_request_too_large(const struct http_request *r)
{
	return r->is_too_large;
}

const void *http_request_peer(const struct http_request *r)
{
	return r->conn && r->conn->n_peer ? r->conn->peer : NULL;
}

char *http_request_edit_query(struct http_request *r)
{
	return r->query;
}

const struct sockaddr *http_request_from(const struct http_request *r)
{
	static const struct sockaddr gone = { .sa_family = AF_UNSPEC };

	return r->conn ? (const struct sockaddr *)&r->conn->from : &gone;
}

uint32_t http_request_uid(const struct http_request *r)
{
	return r->conn ? r->conn->uid : UINT32_MAX;
}

uint32_t http_request_cid(const struct http_request *r)
{
	return r->conn ? r->conn->cid : UINT32_MAX;
}

void http_request_on_gone(struct http_request *r, void (*gone)(void *arg), void *arg)
{
	r->gone = gone;
	r->gone_arg = arg;
}
