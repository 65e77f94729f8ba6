/* SPDX-License-Identifier: Apache-2.0 */
/* tls_call: what comes back, whom it believes, and how long it puts up with servers that do not answer */
#include "test_tls_front.h"

#include <sys/un.h>

#include "base/err.h"
#include "crypto/ratls.h"
#include "loop/tls_call.h"
#include "loop/tls_url.h"

static struct test_ids ids;

static void test_urls(void)
{
	static const struct {
		const char *url, *host;
		bool is_tls;
		unsigned int port;
	} good[] = {
		{ "https://h", "h", true, 443 },
		{ "http://h/x", "h", false, 80 },
		{ "https://a-b.c_d.example:8443/prpc?x", "a-b.c_d.example", true, 8443 },
		{ "https://10.0.2.2:1", "10.0.2.2", true, 1 },
		{ "https://[::1]:65535/", "::1", true, 65535 },
		{ "https://[fe80::1]", "fe80::1", true, 443 },
		{ "https://h?x:y", "h", true, 443 },
	};
	static const char *const bad[] = {
		"",
		"h",
		"ftp://h",
		"https://",
		"https:///x",
		"https://:443",
		"https://h:",
		"https://h:0",
		"https://h:65536",
		"https://h:1x",
		"https://u@h",
		"https://u:p@h",
		"https://[::1",
		"https://[::1]x",
		"https://[]",
		"https://h h",
		"https://h\r\n",
		"https://\xc3\xa9",
		"https://[::1%eth0]",
		"https://h:+1",
	};
	struct tls_url u;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert(tls_url_parse(good[i].url, &u, NULL) == 0);
		assert(str_equal(u.host, good[i].host) && u.is_tls == good[i].is_tls);
		assert(u.port == good[i].port);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(tls_url_parse(bad[i], &u, NULL) == ERR_INPUT);
}

static struct tls_call_options to(const char *url)
{
	return (struct tls_call_options){ .method = "GET",
					  .url = url,
					  .ca = test_cert(&ids.root),
					  .timeout_ms = TEST_PATIENCE_MS };
}

static void fails(const struct tls_call_options *o, int code, const char *word)
{
	struct tls_call_answer a;
	struct err e = ERR_NONE;
	int rc = tls_call(o, &a, &e);

	if (rc != code || !strstr(e.text, word))
		printf("%d: %s\n", rc, e.text);
	assert(rc == code && strstr(e.text, word));
}

static void test_who_is_believed(void)
{
	struct test_front t = { .is_raw = false };
	uint8_t root[P256_SPKI], other[P256_SPKI];
	struct tls_call_options o;
	struct tls_call_answer a;
	struct ratls r;
	char text[160];

	test_front_start(&t, &ids);
	o = to(t.url);
	o.ca = test_cert(&ids.other_root);
	(void)str_format(text, sizeof(text), "%s: the server's certificate", t.url);
	fails(&o, ERR_CRYPTO, text);
	o.trust = TLS_CALL_ROOT_KEY;
	p256_key_spki(&ids.root.key, root);
	p256_key_spki(&ids.other_root.key, other);
	o.root_key = other;
	o.n_root_key = sizeof(other);
	fails(&o, ERR_CRYPTO, "pinned key");
	o.root_key = root;
	assert(tls_call(&o, &a, NULL) == 0 && a.status == 200);
	/* and its own certificate is there to be read, with the chain that it came in */
	assert(ratls_read(a.cert.p, a.cert.n, &r, NULL) == 0 && r.key.n == P256_SPKI);
	assert(strstr((const char *)a.chain.p, "BEGIN CERTIFICATE"));
	ratls_deinit(&r);
	tls_call_answer_deinit(&a);
	(void)str_format(text, sizeof(text), "https://127.0.0.2:%u/", t.port);
	o.url = text;
	fails(&o, -ECONNREFUSED, "cannot connect");
	o.trust = TLS_CALL_CA;
	o.ca = test_cert(&ids.root);
	(void)str_format(text, sizeof(text), "https://[::ffff:127.0.0.1]:%u", t.port);
	fails(&o, ERR_CRYPTO, "is not for ::ffff:127.0.0.1");
	o.trust = TLS_CALL_ANYBODY;
	o.ca = NULL;
	assert(tls_call(&o, &a, NULL) == 0);
	tls_call_answer_deinit(&a);
	o.cert = test_chain(&ids.other_client);
	o.key = ids.other_client.key_pem;
	fails(&o, ERR_PROTO, "refuses our certificate");
	o.key = ids.client.key_pem;
	fails(&o, ERR_INPUT, "not that of the certificate");
	test_front_stop(&t);
}

/* A server that is one thread, one client and a fixed text, over TLS or without; then it ends as it is told. */
struct player {
	int fd; /* listening */
	bool is_tls, waits, is_cut;
	const char *text;
	char url[64];
	pthread_t thread;
};

static void play_tls(const struct player *p, int fd)
{
	const struct tls_ctx_options o = { .is_server = true,
					   .chain = test_chain(&ids.server),
					   .key = ids.server.key_pem };
	struct test_tls_client c = { .fd = fd };
	char block[1024];

	assert(tls_ctx_new(&o, &c.ctx, NULL) == 0 && fd_set_nonblocking(fd, true) == 0);
	c.tls = tls_new(c.ctx, fd, NULL);
	(void)test_tls_shake(&c);
	(void)test_tls_read(&c, block, sizeof(block));
	test_tls_write(&c, p->text, strlen(p->text));
	if (!p->is_cut)
		(void)tls_end(c.tls, NULL);
	(void)shutdown(fd, SHUT_WR);
	test_until_hung_up(fd);
	test_tls_close(&c);
}

static void *play(void *arg)
{
	struct player *p = arg;
	int fd = accept(p->fd, NULL, NULL);
	char block[1024];

	assert(fd >= 0);
	if (p->waits) {
		while (recv(fd, block, sizeof(block), 0) > 0)
			; /* until the client has enough of it */
	} else if (p->is_tls) {
		play_tls(p, fd);
		return NULL;
	} else {
		(void)recv(fd, block, sizeof(block), 0);
		(void)send(fd, p->text, strlen(p->text), MSG_NOSIGNAL);
		(void)shutdown(fd, SHUT_WR);
		while (recv(fd, block, sizeof(block), 0) > 0)
			;
	}
	(void)fd_close(fd);
	return NULL;
}

static void play_start(struct player *p)
{
	struct sockaddr_in a = { 0 };
	socklen_t n = sizeof(a);

	p->fd = listen_tcp("127.0.0.1:0", NULL);
	assert(p->fd >= 0 && fd_set_nonblocking(p->fd, false) == 0);
	assert(getsockname(p->fd, (struct sockaddr *)&a, &n) == 0);
	(void)str_format(p->url, sizeof(p->url), "%s://localhost:%u/x",
			 p->is_tls ? "https" : "http", ntohs(a.sin_port));
	assert(pthread_create(&p->thread, NULL, play, p) == 0);
}

static void play_end(struct player *p)
{
	assert(pthread_join(p->thread, NULL) == 0);
	p->fd = fd_close(p->fd);
}

/* @word NULL: it is answered. */
static void against(struct player p, size_t reply_max, int code, const char *word)
{
	struct tls_call_options o;
	struct tls_call_answer a;

	play_start(&p);
	o = to(p.url);
	o.reply_max = reply_max;
	if (p.waits)
		o.timeout_ms = 100;
	if (word) {
		fails(&o, code, word);
	} else {
		assert(tls_call(&o, &a, NULL) == 0 && a.status == 200);
		assert(str_equal((const char *)a.body.p, "hello"));
		tls_call_answer_deinit(&a);
	}
	play_end(&p);
}

#define OK "HTTP/1.1 200 OK\r\n"

static void test_answers(void)
{
	static const char counted[] = OK "Content-Length: 5\r\n\r\nhello";
	static const char to_end[] = OK "\r\nhello";

	against((struct player){ .text = counted }, 0, 0, NULL);
	against((struct player){ .text = to_end }, 0, 0, NULL);
	against((struct player){ .text = counted, .is_tls = true }, 0, 0, NULL);
	against((struct player){ .text = to_end, .is_tls = true }, 0, 0, NULL);
	/* who ends the stream without saying so may have been cut off by another: told only where no length is */
	against((struct player){ .text = counted, .is_tls = true, .is_cut = true }, 0, 0, NULL);
	against((struct player){ .text = to_end, .is_tls = true, .is_cut = true }, 0, ERR_PROTO,
		"cut off");
	against((struct player){ .text = OK "Content-Length: 6\r\n\r\nhello" }, 0, ERR_PROTO,
		"in the middle");
	against((struct player){ .text = counted }, 4, ERR_LIMIT, "more than 4 bytes");
	against((struct player){ .text = "" }, 0, ERR_PROTO, "without an answer");
	against((struct player){ .text = "SSH-2.0-x\r\n" }, 0, ERR_PROTO, "not HTTP");
}

static void test_servers_that_do_not_answer(void)
{
	against((struct player){ .waits = true }, 0, -ETIMEDOUT, "no answer in time");
	against((struct player){ .waits = true, .is_tls = true }, 0, -ETIMEDOUT,
		"no answer in time");
}

static void test_a_server_without_tls(void)
{
	struct player p = { .text = "HTTP/1.1 400 Bad Request\r\n\r\n" };
	char url[80];
	struct tls_call_options o;

	play_start(&p);
	(void)str_format(url, sizeof(url), "https%s", p.url + strlen("http"));
	o = to(url);
	fails(&o, ERR_PROTO, "the TLS handshake failed");
	play_end(&p);
}

static void test_names_of_this_machine(void)
{
	struct player p = { .text = OK "Content-Length: 5\r\n\r\nhello" };
	struct tls_call_options o;
	struct tls_call_answer a;
	char url[80];

	play_start(&p);
	(void)str_format(url, sizeof(url), "http://gateway.of.LocalHost%s", strrchr(p.url, ':'));
	o = to(url);
	assert(tls_call(&o, &a, NULL) == 0 && a.status == 200);
	tls_call_answer_deinit(&a);
	play_end(&p);
	o = to("http://notlocalhost.invalid/");
	fails(&o, -EHOSTUNREACH, "look up");
}

static int wants_another(const void *cert, size_t n, void *arg, struct err *e)
{
	struct ratls r;

	assert(ratls_read(cert, n, &r, NULL) == 0);
	ratls_deinit(&r);
	*(int *)arg += 1;
	return err_set(e, ERR_PROTO, "it is another");
}

static void *hear_nothing(void *arg)
{
	struct player *p = arg;
	const struct tls_ctx_options o = { .is_server = true,
					   .chain = test_chain(&ids.server),
					   .key = ids.server.key_pem };
	struct test_tls_client c = { .fd = accept(p->fd, NULL, NULL) };
	char block[1024];

	assert(c.fd >= 0 && tls_ctx_new(&o, &c.ctx, NULL) == 0);
	assert(fd_set_nonblocking(c.fd, true) == 0);
	c.tls = tls_new(c.ctx, c.fd, NULL);
	(void)test_tls_shake(&c);
	assert(test_tls_read(&c, block, sizeof(block)) <= 0);
	test_tls_close(&c);
	return NULL;
}

/* Who is not the one that is meant hears no word of the request, and no token. */
static void test_a_server_that_is_refused_hears_nothing(void)
{
	struct player p = { .is_tls = true };
	struct tls_call_options o;
	struct sockaddr_in a = { 0 };
	socklen_t n = sizeof(a);
	int asked = 0;

	p.fd = listen_tcp("127.0.0.1:0", NULL);
	assert(p.fd >= 0 && fd_set_nonblocking(p.fd, false) == 0);
	assert(getsockname(p.fd, (struct sockaddr *)&a, &n) == 0);
	(void)str_format(p.url, sizeof(p.url), "https://localhost:%u/x", ntohs(a.sin_port));
	assert(pthread_create(&p.thread, NULL, hear_nothing, &p) == 0);
	o = to(p.url);
	o.bearer = "secret";
	o.on_server = wants_another;
	o.arg = &asked;
	fails(&o, ERR_PROTO, "it is another");
	assert(asked == 1);
	play_end(&p);
}

static void *answer_unix(void *arg)
{
	int fd = accept(*(int *)arg, NULL, NULL);
	char block[1024];

	assert(fd >= 0 && recv(fd, block, sizeof(block), 0) > 0);
	assert(strstr(block, "POST /GetKey HTTP/1.1\r\nHost: localhost\r\n"));
	assert(strstr(block, "\r\nAuthorization: Bearer t.0-k\r\n\r\n"));
	assert(send(fd, OK "Content-Length: 2\r\n\r\n{}", strlen(OK) + 23, MSG_NOSIGNAL) > 0);
	(void)fd_close(fd);
	return NULL;
}

static void test_a_unix_socket(void)
{
	char path[] = "/tmp/test-tls-call-XXXXXX", name[64];
	struct tls_call_options o = to("http://localhost/GetKey");
	struct tls_call_answer a;
	pthread_t thread;
	int fd;

	assert(mkdtemp(path));
	(void)str_format(name, sizeof(name), "%s/s", path);
	o.unix_path = name;
	o.method = "POST";
	fails(&o, -ENOENT, name);
	fd = listen_unix(name, 0600, NULL);
	assert(fd >= 0 && fd_set_nonblocking(fd, false) == 0);
	assert(pthread_create(&thread, NULL, answer_unix, &fd) == 0);
	o.bearer = "t.0-k";
	assert(tls_call(&o, &a, NULL) == 0 && a.body.n == 2 && a.cert.n == 0);
	tls_call_answer_deinit(&a);
	assert(pthread_join(thread, NULL) == 0);
	o.bearer = "a\r\nb";
	fails(&o, ERR_INPUT, "visible ASCII");
	(void)fd_close(fd);
	assert(unlink(name) == 0 && rmdir(path) == 0);
}

int main(void)
{
	test_ids_init(&ids);
	test_urls();
	test_who_is_believed();
	test_answers();
	test_servers_that_do_not_answer();
	test_a_server_without_tls();
	test_a_server_that_is_refused_hears_nothing();
	test_names_of_this_machine();
	test_a_unix_socket();
	test_ids_deinit(&ids);
	return 0;
}
