/* SPDX-License-Identifier: Apache-2.0 */
/* Calls by address (libcurl) and on a connected fd, against our server and against peers that lie. */
#include <netinet/in.h>

#include "test_http.h"

#include <pthread.h>

#include "loop/http_client.h"

struct calls {
	struct test_http t;
	struct http_client *client;
	bool client_stopped;
	struct http_request *held;
	bool hold;
	unsigned int n_requests, n_answers, n_failures;
	int status;
	char body[512], type[128], seen[512];
	struct err e;
};

static void on_request(struct http_request *r, void *arg)
{
	struct calls *c = arg;
	const char *type = http_request_header(r, "Content-Type");
	const char *host = http_request_header(r, "Host");
	size_t n;
	const void *body = http_request_body(r, &n);

	c->n_requests++;
	(void)snprintf(c->seen, sizeof(c->seen), "%s %s?%s host=%s type=%s %.*s",
		       http_request_method(r), http_request_path(r), http_request_query(r),
		       host ? host : "-", type ? type : "-", (int)(n < 100 ? n : 100),
		       (const char *)body);
	if (c->hold)
		c->held = r;
	else
		http_reply(r, strcmp(http_request_path(r), "/bad") == 0 ? 400 : 200,
			   "application/json", "null", 4, NULL);
}

static void on_client_stopped(void *arg)
{
	((struct calls *)arg)->client_stopped = true;
}

static void start(struct calls *c)
{
	struct http_server_options o = { .on_request = on_request, .arg = c };

	memset(c, 0, sizeof(*c));
	test_server_start(&c->t, &o);
	assert(http_client_start(&c->client, &c->t.loop, &c->e) == 0);
}

static void end(struct calls *c)
{
	http_client_stop(c->client, on_client_stopped, c);
	TEST_UNTIL(&c->t, c->client_stopped);
	test_server_end(&c->t);
}

static void on_answer(void *arg, const struct http_answer *a, const struct err *e)
{
	struct calls *c = arg;

	if (!a) {
		c->n_failures++;
		c->e = *e;
		return;
	}
	c->n_answers++;
	c->status = a->status;
	(void)snprintf(c->body, sizeof(c->body), "%.*s", (int)a->body.n,
		       a->body.p ? (const char *)a->body.p : "");
	memcpy(c->type, a->content_type, sizeof(c->type));
}

static struct http_call_options by_path(const struct calls *c, const char *url, const char *body)
{
	return (struct http_call_options){ .method = body ? "POST" : "GET",
					   .url = url,
					   .fd = -1,
					   .unix_path = c->t.path,
					   .body = body,
					   .n_body = body ? strlen(body) : 0 };
}

static void test_call_by_unix_path(void)
{
	static struct calls c;
	struct http_call_options o;
	struct http_call *call = NULL;

	start(&c);
	o = by_path(&c, "http://localhost/api/Info?json", "null");
	assert(http_call_start(c.client, &o, on_answer, &c, &call, &c.e) == 0 && call);
	assert(c.n_answers == 0);
	TEST_UNTIL(&c.t, c.n_answers == 1);
	assert(c.status == 200 && strcmp(c.body, "null") == 0);
	assert(strcmp(c.type, "application/json") == 0);
	assert(strcmp(c.seen, "POST /api/Info?json host=localhost type=- null") == 0);

	o = by_path(&c, "http://localhost/bad", NULL);
	o.content_type = "a/b";
	assert(http_call_start(c.client, &o, on_answer, &c, NULL, &c.e) == 0);
	TEST_UNTIL(&c.t, c.n_answers == 2);
	assert(c.status == 400 && strcmp(c.seen, "GET /bad? host=localhost type=a/b ") == 0);
	end(&c);
}

static void test_call_on_a_connected_fd(void)
{
	static struct calls c;
	struct http_call_options o;

	start(&c);
	o = by_path(&c, "http://2:10000/api/Info?json", "null");
	o.fd = connect_unix(c.t.path, &c.e);
	assert(o.fd >= 0);
	assert(http_call_start(c.client, &o, on_answer, &c, NULL, &c.e) == 0);
	assert(c.n_answers == 0);
	TEST_UNTIL(&c.t, c.n_answers == 1);
	assert(c.status == 200 && strcmp(c.body, "null") == 0);
	assert(strcmp(c.type, "application/json") == 0);
	assert(strcmp(c.seen, "POST /api/Info?json host=2:10000 type=- null") == 0);
	assert(fcntl(o.fd, F_GETFD) == -1); /* closed, as it was taken over */
	end(&c);
}

static void test_call_over_tcp(void)
{
	static struct calls c;
	struct http_call_options o;
	struct sockaddr_in in = { 0 };
	socklen_t n = sizeof(in);
	char url[64];
	int fd;

	start(&c);
	fd = listen_tcp("127.0.0.1:0", &c.e);
	assert(fd >= 0 && getsockname(fd, (struct sockaddr *)&in, &n) == 0);
	assert(http_server_listen(c.t.server, fd, NULL, 0, &c.e) == 0);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/x", ntohs(in.sin_port));
	/* a proxy in the environment is not asked */
	assert(setenv("http_proxy", "http://127.0.0.1:1/", 1) == 0);
	o = by_path(&c, url, NULL);
	o.unix_path = NULL;
	assert(http_call_start(c.client, &o, on_answer, &c, NULL, &c.e) == 0);
	TEST_UNTIL(&c.t, c.n_answers == 1);
	assert(c.status == 200 && unsetenv("http_proxy") == 0);
	end(&c);
}

static void test_failures_say_why(void)
{
	static struct calls c;
	struct http_call_options o;

	start(&c);
	o = by_path(&c, "http://localhost/", NULL);
	o.unix_path = "./no-such.sock";
	assert(http_call_start(c.client, &o, on_answer, &c, NULL, &c.e) == 0);
	TEST_UNTIL(&c.t, c.n_failures == 1);
	assert(c.e.code == -ENOENT && strstr(c.e.text, "./no-such.sock"));

	o = by_path(&c, "file:///etc/passwd", NULL);
	o.unix_path = NULL;
	assert(http_call_start(c.client, &o, on_answer, &c, NULL, &c.e) == 0);
	TEST_UNTIL(&c.t, c.n_failures == 2);

	o = by_path(&c, "http://localhost/", NULL);
	o.reply_max = 3;
	assert(http_call_start(c.client, &o, on_answer, &c, NULL, &c.e) == 0);
	TEST_UNTIL(&c.t, c.n_failures == 3);
	assert(c.e.code == ERR_LIMIT);

	o.fd = connect_unix(c.t.path, &c.e);
	assert(http_call_start(c.client, &o, on_answer, &c, NULL, &c.e) == 0);
	TEST_UNTIL(&c.t, c.n_failures == 4);
	assert(c.e.code == ERR_LIMIT);

	o.fd = connect_unix(c.t.path, &c.e);
	o.url = "not a url";
	assert(http_call_start(c.client, &o, on_answer, &c, NULL, &c.e) == ERR_INPUT);
	assert(fcntl(o.fd, F_GETFD) == -1);
	end(&c);
}

static void test_deadlines(void)
{
	static struct calls c;
	struct http_call_options o;
	unsigned int i;

	start(&c);
	c.hold = true;
	for (i = 0; i < 2; i++) {
		o = by_path(&c, "http://localhost/slow", NULL);
		o.timeout_ms = 200;
		if (i)
			o.fd = connect_unix(c.t.path, &c.e);
		assert(http_call_start(c.client, &o, on_answer, &c, NULL, &c.e) == 0);
		TEST_UNTIL(&c.t, c.n_failures == i + 1);
		assert(c.e.code == -ETIMEDOUT && strstr(c.e.text, "200 ms"));
		http_reply(c.held, 200, NULL, "", 0, NULL);
	}
	assert(c.n_failures == 2 && c.n_answers == 0);
	end(&c);
}

static void test_cancelled_calls_are_not_heard_of(void)
{
	static struct calls c;
	struct http_call_options o;
	struct http_call *call = NULL;
	unsigned int i;

	start(&c);
	c.hold = true;
	for (i = 0; i < 2; i++) {
		o = by_path(&c, "http://localhost/cancelled", NULL);
		if (i)
			o.fd = connect_unix(c.t.path, &c.e);
		c.n_requests = 0;
		assert(http_call_start(c.client, &o, on_answer, &c, &call, &c.e) == 0);
		TEST_UNTIL(&c.t, c.n_requests == 1);
		http_call_cancel(call);
		http_reply(c.held, 200, NULL, "", 0, NULL);
		TEST_UNTIL(&c.t, http_server_n_conns(c.t.server) == 0);
	}
	assert(c.n_failures == 0 && c.n_answers == 0);
	http_call_cancel(NULL);
	end(&c);
}

static void test_stop_tells_open_calls(void)
{
	static struct calls c;
	struct http_call_options o;

	start(&c);
	c.hold = true;
	o = by_path(&c, "http://localhost/slow", NULL);
	assert(http_call_start(c.client, &o, on_answer, &c, NULL, &c.e) == 0);
	TEST_UNTIL(&c.t, c.n_requests == 1);
	http_reply(c.held, 200, NULL, "", 0, NULL);
	o.fd = connect_unix(c.t.path, &c.e);
	assert(http_call_start(c.client, &o, on_answer, &c, NULL, &c.e) == 0);
	http_client_stop(c.client, on_client_stopped, &c);
	assert(c.n_failures == 0);
	TEST_UNTIL(&c.t, c.client_stopped);
	assert(c.n_failures + c.n_answers == 2 && c.e.code == -ECANCELED);
	if (c.n_requests == 2)
		http_reply(c.held, 200, NULL, "", 0, NULL);
	test_server_end(&c.t);
}

struct blocking {
	struct calls *c;
	bool use_fd, is_done;
	int rc, rc_gone;
	struct http_answer a;
	struct err e;
	unsigned int n_bytes;
	int rc_stream;
};

static int on_body(const void *p, size_t n, void *arg)
{
	struct blocking *b = arg;

	(void)p;
	b->n_bytes += (unsigned int)n;
	return 0;
}

static void *call_blocking(void *arg)
{
	struct blocking *b = arg;
	struct http_call_options o = by_path(b->c, "http://localhost/wait", "{}");
	struct http_answer a;

	if (b->use_fd)
		o.fd = connect_unix(b->c->t.path, &b->e);
	b->rc = http_call_wait(&o, &b->a, &b->e);
	o.fd = -1;
	o.on_body = on_body;
	o.arg = b;
	b->rc_stream = http_call_wait(&o, &a, &b->e);
	assert(a.body.n == 0);
	buf_deinit(&a.body);
	o.unix_path = "./no-such.sock";
	b->rc_gone = http_call_wait(&o, &a, &b->e);
	__atomic_store_n(&b->is_done, true, __ATOMIC_RELEASE);
	return NULL;
}

static void test_blocking_calls(void)
{
	static struct calls c;
	struct blocking b[2];
	pthread_t thread[2];
	size_t i;

	memset(b, 0, sizeof(b));
	start(&c);
	for (i = 0; i < 2; i++) {
		b[i].c = &c;
		b[i].use_fd = i == 1;
		assert(pthread_create(&thread[i], NULL, call_blocking, &b[i]) == 0);
	}
	for (i = 0; i < 2; i++) {
		TEST_UNTIL(&c.t, __atomic_load_n(&b[i].is_done, __ATOMIC_ACQUIRE));
		assert(pthread_join(thread[i], NULL) == 0);
		assert(b[i].rc == 0 && b[i].a.status == 200);
		assert(b[i].a.body.n == 4 && memcmp(b[i].a.body.p, "null", 4) == 0);
		assert(b[i].rc_stream == 0 && b[i].n_bytes == 4);
		assert(b[i].rc_gone == -ENOENT);
		buf_deinit(&b[i].a.body);
	}
	end(&c);
}

/* A peer that answers with given bytes, in pieces of one. */
static int against(const char *bytes, struct http_answer *a, struct err *e)
{
	struct http_call_options o = { .method = "GET", .url = "http://x/", .timeout_ms = 20000 };
	int sv[2];

	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == 0);
	assert(write(sv[1], bytes, strlen(bytes)) == (ssize_t)strlen(bytes));
	assert(shutdown(sv[1], SHUT_WR) == 0);
	o.fd = sv[0];
	o.reply_max = 1000;
	*a = (struct http_answer){ 0 };
	int rc = http_call_wait(&o, a, e);
	(void)close(sv[1]);
	return rc;
}

static void test_answers_of_every_form(void)
{
	static const char chunked[] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
				      "2\r\nbo\r\n02;x\r\ndy\r\n0\r\nT: x\r\n\r\n";
	static const char *const good[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody",
		"HTTP/1.1 200 OK\nContent-Length:4\n\nbodyrest",
		"HTTP/1.0 200\r\n\r\nbody",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbody",
		chunked,
	};
	static const char *const bad[] = {
		"",
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbody",
		"HTTP/2 200\r\n\r\n",
		"HTTP/1.1 20\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nbody5",
		"HTTP/1.1 200 OK\r\nContent-Length: -4\r\n\r\nbody",
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nbody",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbodyx\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n",
	};
	struct http_answer a;
	struct err e = ERR_NONE;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert(against(good[i], &a, &e) == 0 && a.status == 200);
		assert(a.body.n == 4 && memcmp(a.body.p, "body", 4) == 0);
		buf_deinit(&a.body);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(against(bad[i], &a, &e) < 0 && e.text[0]);
	assert(against("HTTP/1.1 204 No\r\n\r\n", &a, &e) == 0 && a.status == 204 && a.body.n == 0);
	buf_deinit(&a.body);
}

int main(void)
{
	test_call_by_unix_path();
	test_call_on_a_connected_fd();
	test_call_over_tcp();
	test_failures_say_why();
	test_deadlines();
	test_cancelled_calls_are_not_heard_of();
	test_stop_tells_open_calls();
	test_blocking_calls();
	test_answers_of_every_form();
	return 0;
}
