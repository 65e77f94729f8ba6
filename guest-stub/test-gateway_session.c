/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test-gateway_session: a guest and its gateways: these, its agent and PID 1 are played, as is the kernel's WireGuard
 */
#undef NDEBUG
#include "guest-stub/gateway_session.h"

#include <dirent.h>
#include <fcntl.h>

#include "base/err.h"
#include "data/app_compose.h"
#include "guest-stub/gateway_words.h"
#include "guest-stub/gateway_worker.h"
#include "guest-stub/test_gateway.h"

enum { LONG_MS = 60000, STEP_MS = 10 };

/* The kernel: one interface, whose peers answer each echo or none. */
struct kernel {
	pthread_mutex_t lock;
	bool is_there;
	char key[64], peer[64], address[64];
	atomic_bool is_dumb; /* nothing comes from the tunnel */
	atomic_uint received, n_renewed;
};

static int show_dump(const struct kernel *k, struct buf *ret, struct err *e)
{
	if (!k->is_there)
		return err_set(e, ERR_BAD_STATE, "no such device");
	assert(buf_addf(ret, "%s\t(none)\t9182\toff\n", k->key[0] ? k->key : "(none)") == 0);
	if (k->peer[0]) {
		assert(buf_addf(ret, "%s\t(none)\t(none)\t10.8.0.1/32\t1700000000\t%u\t0\t25\n",
				k->peer, k->received) == 0);
	}
	return 0;
}

static int run_program(void *arg, const char *const *argv, const void *input, size_t n_input,
		       struct buf *ret_out, struct err *e)
{
	struct kernel *k = arg;
	bool sets_peer = str_equal(argv[0], "wg") && str_equal(argv[3], "peer");

	if (str_equal(argv[0], "wg") && str_equal(argv[1], "show"))
		return show_dump(k, ret_out, e);
	if (str_equal(argv[1], "link"))
		k->is_there = true;
	if (n_input)
		memcpy(k->key, input, n_input);
	if (sets_peer && str_equal(argv[5], "remove")) {
		k->peer[0] = 0;
		k->received = 0;
		k->n_renewed++;
	} else if (sets_peer) {
		(void)str_copy(k->peer, sizeof(k->peer), argv[4]);
	}
	if (str_equal(argv[1], "addr") && str_equal(argv[2], "add"))
		(void)str_copy(k->address, sizeof(k->address), argv[3]);
	return 0;
}

static size_t networks(void *arg, struct gateway_net *ret, size_t most)
{
	(void)arg;
	assert(most > 0);
	ret[0] = (struct gateway_net){ 0x0a00020f, 0xffffff00 }; /* 10.0.2.15/24 */
	return 1;
}

static void echo(void *arg, uint32_t address)
{
	struct kernel *k = arg;

	assert(address == 0x0a080001);
	if (!k->is_dumb)
		k->received += 32;
}

/* All that a test needs. */
struct stage {
	struct test_kms_roots roots;
	struct test_agent agent;
	struct kernel kernel;
	struct app_compose app;
	struct gateway_session session;
	char folder[32], socket[64]; /* of the agent */
	int init, words, worker, worker_peer;
	pthread_t session_thread, worker_thread;
	char heard[1024]; /* what PID 1 was told, one letter each, with texts */
};

static void *serve_worker(void *arg)
{
	struct stage *s = arg;
	const struct gateway_worker_ops ops = {
		.iface = { .run = run_program, .nets = networks, .arg = &s->kernel }, .echo = echo
	};

	gateway_worker_serve(s->worker_peer, &ops);
	return NULL;
}

static void *run_session(void *arg)
{
	struct stage *s = arg;

	assert(gateway_session_run(&s->session, NULL) == 0);
	return NULL;
}

static void stage_init(struct stage *s, bool has_agent)
{
	int pair[2];

	*s = (struct stage){ .folder = "/tmp/bailey-gw-XXXXXX" };
	assert(mkdtemp(s->folder));
	test_kms_roots_init(&s->roots);
	(void)str_format(s->socket, sizeof(s->socket), "%s/dstack.sock", s->folder);
	if (has_agent)
		test_agent_start(&s->agent, &s->roots, s->folder);
	assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	s->worker = pair[0];
	s->worker_peer = pair[1];
	assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	s->init = pair[0];
	s->words = pair[1];
	assert(pthread_create(&s->worker_thread, NULL, serve_worker, s) == 0);
}

static void stage_start(struct stage *s, const char *const *urls, size_t n)
{
	const struct gateway_session_args a = { .urls = urls,
						.n_urls = n,
						.gateway_app_id =
							"0xABCD"
							"000000000000000000000000000000000000",
						.app = &s->app,
						.agent = s->socket,
						.status = s->folder,
						.words = s->words,
						.worker = s->worker,
						.app_address = INADDR_LOOPBACK };

	assert(gateway_session_init(&s->session, &a, NULL) == 0);
	assert(pthread_create(&s->session_thread, NULL, run_session, s) == 0);
}

static void stage_stop(struct stage *s)
{
	char path[64];

	s->init = fd_close(s->init);
	assert(pthread_join(s->session_thread, NULL) == 0);
	gateway_session_deinit(&s->session);
	s->worker = fd_close(s->worker);
	assert(pthread_join(s->worker_thread, NULL) == 0);
	s->worker_peer = fd_close(s->worker_peer);
	s->words = fd_close(s->words);
	if (s->agent.thread)
		test_agent_stop(&s->agent);
	(void)str_format(path, sizeof(path), "%s/" GATEWAY_STATUS_FILE, s->folder);
	(void)unlink(path);
	assert(rmdir(s->folder) == 0);
	test_kms_roots_deinit(&s->roots);
}

static void tell(const struct stage *s, char word)
{
	assert(send(s->init, &word, 1, 0) == 1);
}

/* Wait for PID 1 to be told @what, which is the beginning of a packet, or to hold it anywhere in its text. */
static void hears(struct stage *s, char word, const char *what)
{
	struct pollfd p = { .fd = s->init, .events = POLLIN };
	ssize_t n;

	assert(poll(&p, 1, LONG_MS) == 1);
	n = recv(s->init, s->heard, sizeof(s->heard) - 1, 0);
	assert(n > 0);
	s->heard[n] = 0;
	if (s->heard[0] != word || !strstr(s->heard, what)) {
		(void)fprintf(stderr, "heard: %s\n", s->heard);
		abort();
	}
}

static bool status_has(const struct stage *s, const char *what)
{
	auto_buf struct buf b = BUF_MAX(4096);

	return gateway_status_text(s->folder, &b, NULL) == 0 && strstr((char *)b.p, what);
}

static void pause_until(uint64_t end)
{
	assert(time_mono_ms() < end);
	(void)poll(NULL, 0, STEP_MS);
}

static void wait_status(const struct stage *s, const char *what)
{
	uint64_t end = time_mono_ms() + LONG_MS;

	while (!status_has(s, what))
		pause_until(end);
}

static void wait_count(const atomic_int *n, int want)
{
	uint64_t end = time_mono_ms() + LONG_MS;

	while (*n != want)
		pause_until(end);
}

static void wait_true(const atomic_bool *b)
{
	uint64_t end = time_mono_ms() + LONG_MS;

	while (!*b)
		pause_until(end);
}

static void test_from_boot_to_stop(void)
{
	struct app_port_rule rule = { .port = 80, .has_proxy_protocol = true };
	struct test_gateway g;
	struct stage s;
	const char *urls[] = { g.url };

	stage_init(&s, true);
	s.app.port_rules = &rule;
	s.app.n_port_rules = 1;
	s.app.port_restrict_mode = true;
	test_gateway_start(&g, &s.roots, GATEWAY_HONEST);
	stage_start(&s, urls, 1);
	hears(&s, GATEWAY_WORD_REGISTERED, "address 10.8.0.2");
	assert(!g.was_ready); /* before its app runs */
	assert(strstr(g.asked, "\"port_policy\":{\"ports\":[{\"port\":80,\"pp\":true}],"
			       "\"restrict_mode\":true}"));
	assert(g.client.app_info.n > 0);
	assert(str_equal(s.kernel.address, "10.8.0.2/32") &&
	       str_equal(s.kernel.peer, TEST_GATEWAY_KEY));
	wait_status(&s, "tunnel: up");
	assert(status_has(&s, "ready: no") && status_has(&s, "domain: example.com"));
	assert(status_has(&s, "endpoint: 10.0.2.2:51820") &&
	       status_has(&s, "last handshake: 2023-11-14T22:13:20Z"));
	tell(&s, GATEWAY_WORD_UP);
	wait_count(&g.n_asked, 2);
	assert(g.was_ready);
	wait_status(&s, "ready: yes");
	assert(s.kernel.n_renewed == 0);
	tell(&s, GATEWAY_WORD_LEAVE);
	hears(&s, GATEWAY_WORD_LEFT, "");
	assert(g.n_asked == 3 && !g.was_ready && s.agent.n_asked == 1);
	stage_stop(&s);
	test_gateway_stop(&g);
}

static void test_an_agent_that_comes_later_is_no_failure(void)
{
	struct test_gateway g;
	struct stage s;
	const char *urls[] = { g.url };

	stage_init(&s, false);
	test_gateway_start(&g, &s.roots, GATEWAY_HONEST);
	stage_start(&s, urls, 1);
	(void)poll(NULL, 0, 50);
	test_agent_start(&s.agent, &s.roots, s.folder);
	hears(&s, GATEWAY_WORD_REGISTERED, "registered with");
	stage_stop(&s);
	test_gateway_stop(&g);
}

/* What is told of a gateway that is none of ours; nothing is set up. */
static void refused(enum gateway_lie lie, const char *why)
{
	struct test_gateway g;
	struct stage s;
	const char *urls[] = { g.url };

	stage_init(&s, true);
	test_gateway_start(&g, &s.roots, lie);
	stage_start(&s, urls, 1);
	hears(&s, GATEWAY_WORD_ERROR, why);
	assert(strstr(s.heard, "https://127.0.0.1:"));
	assert(s.kernel.peer[0] == 0 && s.kernel.address[0] == 0);
	stage_stop(&s);
	test_gateway_stop(&g);
}

static void test_who_is_not_the_gateway_is_refused(void)
{
	refused(GATEWAY_OTHER_ROOT, "certificate");
	refused(GATEWAY_ELSEWHERE, "127.0.0.1");
	refused(GATEWAY_OTHER_APP, "it is the app 01000000");
	refused(GATEWAY_NO_APP, "its certificate is of no app");
}

static void test_answers_that_are_none(void)
{
	refused(GATEWAY_REFUSES, "RegisterCvm: this app\\x0amay not");
	refused(GATEWAY_GARBAGE, "the gateway's answer");
	refused(GATEWAY_LARGE, "https://127.0.0.1:");
	refused(GATEWAY_TAKES_OURS, "10.0.2.3 is in a network that this guest has already");
}

static void test_an_agent_that_refuses_is_told(void)
{
	struct test_gateway g;
	struct stage s;
	const char *urls[] = { g.url };

	stage_init(&s, true);
	s.agent.refuses = true;
	test_gateway_start(&g, &s.roots, GATEWAY_HONEST);
	stage_start(&s, urls, 1);
	hears(&s, GATEWAY_WORD_ERROR, "the KMS is away");
	s.agent.refuses = false;
	hears(&s, GATEWAY_WORD_REGISTERED, "");
	stage_stop(&s);
	test_gateway_stop(&g);
}

/* Bound, but not open yet. */
static int bind_any(uint16_t *ret_port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY) };
	socklen_t n = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	assert(getsockname(fd, (struct sockaddr *)&a, &n) == 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

static void test_the_next_gateway_is_taken_and_kept(void)
{
	struct test_gateway bad, good;
	struct stage s;
	const char *urls[] = { "http://no", bad.url, good.url };
	auto_close int port = -1;

	stage_init(&s, true);
	port = bind_any(&s.app.ready_port);
	test_gateway_start(&bad, &s.roots, GATEWAY_REFUSES);
	test_gateway_start(&good, &s.roots, GATEWAY_HONEST);
	stage_start(&s, urls, 3);
	hears(&s, GATEWAY_WORD_REGISTERED, good.url);
	bad.lie = GATEWAY_HONEST;
	tell(&s, GATEWAY_WORD_UP);
	wait_status(&s, "tunnel: up");
	assert(good.n_asked == 1); /* the app is up, but its port is not open */
	assert(listen(port, 4) == 0);
	wait_true(&good.was_ready);
	assert(bad.n_asked == 1);
	/* the app's port closes, and the gateway does not like us any more */
	good.lie = GATEWAY_REFUSES;
	(void)fd_close(steal_fd(&port));
	wait_count(&bad.n_asked, 2);
	assert(!bad.was_ready);
	stage_stop(&s);
	test_gateway_stop(&bad);
	test_gateway_stop(&good);
}

static void test_a_gateway_that_hangs_holds_up_no_end(void)
{
	struct test_gateway g;
	struct stage s;
	const char *urls[] = { g.url };
	uint64_t begun;

	stage_init(&s, true);
	test_gateway_start(&g, &s.roots, GATEWAY_HONEST);
	stage_start(&s, urls, 1);
	hears(&s, GATEWAY_WORD_REGISTERED, "");
	tell(&s, GATEWAY_WORD_UP);
	wait_true(&g.was_ready);
	g.lie = GATEWAY_HANGS;
	begun = time_mono_ms();
	tell(&s, GATEWAY_WORD_LEAVE);
	hears(&s, GATEWAY_WORD_LEFT, "");
	assert(time_mono_ms() - begun < GATEWAY_CLIENT_MS);
	stage_stop(&s);
	test_gateway_stop(&g);
}

static void test_what_may_be_a_url(void)
{
	char made[GATEWAY_URL_MAX], text[2 * GATEWAY_URL_MAX];
	static const char *const good[] = { "https://g:9012", "https://g:9012/",
					    "https://g:9012/prpc", "https://g:9012/prpc/" };
	static const char *const bad[] = { "",
					   "http://g",
					   "https://",
					   "https://g/x",
					   "https://g/prpc?x",
					   "https://u@g",
					   "https://g:0",
					   "https://g#" };
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert(gateway_client_url(good[i], made, NULL) == 0);
		assert(str_equal(made, "https://g:9012/prpc"));
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(gateway_client_url(bad[i], made, NULL) == ERR_INPUT);
	memset(text, 'a', sizeof(text));
	memcpy(text, "https://", 8);
	text[sizeof(text) - 1] = 0;
	assert(gateway_client_url(text, made, NULL) == ERR_INPUT);
}

static void test_what_may_be_an_app_id(void)
{
	char id[GATEWAY_APP_ID_MAX + 1];

	assert(gateway_client_app_id("0xABcd", id, NULL) == 0 && str_equal(id, "abcd"));
	assert(gateway_client_app_id("any", id, NULL) == 0 && str_equal(id, "any"));
	assert(gateway_client_app_id("", id, NULL) == ERR_INPUT);
	assert(gateway_client_app_id("0x", id, NULL) == ERR_INPUT);
	assert(gateway_client_app_id("abc", id, NULL) == ERR_INPUT);
	assert(gateway_client_app_id("all", id, NULL) == ERR_INPUT);
	assert(gateway_client_app_id("abcd,ef01", id, NULL) == ERR_INPUT);
}

static void *run_test(void *arg)
{
	void (*const *test)(void) = arg;

	(*test)();
	return NULL;
}

/* Each waits for clocks most of the time: side by side. */
int main(void)
{
	static void (*const tests[])(void) = {
		test_from_boot_to_stop,
		test_an_agent_that_comes_later_is_no_failure,
		test_who_is_not_the_gateway_is_refused,
		test_answers_that_are_none,
		test_an_agent_that_refuses_is_told,
		test_the_next_gateway_is_taken_and_kept,
		test_a_gateway_that_hangs_holds_up_no_end,
	};
	pthread_t threads[sizeof(tests) / sizeof(tests[0])];
	size_t i;

	test_what_may_be_a_url();
	test_what_may_be_an_app_id();
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		assert(pthread_create(&threads[i], NULL, run_test, mem_unconst(&tests[i])) == 0);
	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		assert(pthread_join(threads[i], NULL) == 0);
	return 0;
}
