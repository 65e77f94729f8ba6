/* SPDX-License-Identifier: Apache-2.0 */
/* The server on a loop: what it answers, what it hangs up on, and that nobody can hold it up */
#include "key-provider/test_world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/time.h"
#include "crypto/x25519.h"
#include "key-provider/journal.h"
#include "key-provider/keys.h"
#include "key-provider/server.h"
#include "loop/listen.h"
#include "tee/provider_check.h"
#include "wire/key_frame.h"

enum { PATIENCE_MS = 60 * 1000, TICK_MS = 2, LOG_MAX = 16 * 1024 * 1024, SHORT_MS = 100 };

struct rig {
	struct test_world w;
	uv_loop_t loop;
	uv_timer_t tick;
	struct keys keys;
	struct journal journal;
	struct server *server;
	char folder[64], path[128];
	bool is_stopped;
	size_t n_refused;
};

static void on_tick(uv_timer_t *t)
{
	(void)t; /* only so that uv_run() returns */
}

static void start(struct rig *r, unsigned int timeout_ms)
{
	struct server_options o = { .keys = &r->keys,
				    .journal = &r->journal,
				    .timeout_ms = timeout_ms };
	int fd;

	memset(r, 0, sizeof(*r));
	test_world_init(&r->w, 1, 1u << TCB_UP_TO_DATE, "");
	r->w.at = (int64_t)(time_unix_ms() / 1000);
	(void)str_copy(r->folder, sizeof(r->folder), "/tmp/b-keys-XXXXXX");
	assert(mkdtemp(r->folder));
	(void)str_format(r->path, sizeof(r->path), "%s/s", r->folder);
	assert(keys_open(r->folder, true, true, &r->keys, NULL) == 0);
	assert(journal_open(&r->journal, r->folder, true, NULL) == 0);
	assert(uv_loop_init(&r->loop) == 0 && uv_timer_init(&r->loop, &r->tick) == 0);
	(void)uv_timer_start(&r->tick, on_tick, TICK_MS, TICK_MS);
	o.judge = r->w.judge;
	fd = listen_unix(r->path, 0600, NULL);
	assert(fd >= 0 && server_start(&r->server, &r->loop, &o, fd, NULL) == 0);
}

static void on_stopped(void *arg)
{
	((struct rig *)arg)->is_stopped = true;
}

#define UNTIL(r, condition)                                                                        \
	do {                                                                                       \
		uint64_t give_up = time_mono_ms() + PATIENCE_MS;                                   \
		while (!(condition)) {                                                             \
			assert(time_mono_ms() < give_up);                                          \
			(void)uv_run(&(r)->loop, UV_RUN_ONCE);                                     \
		}                                                                                  \
	} while (0)

static void end(struct rig *r)
{
	server_stop(r->server, on_stopped, r);
	UNTIL(r, r->is_stopped);
	uv_close((uv_handle_t *)&r->tick, NULL);
	(void)uv_run(&r->loop, UV_RUN_DEFAULT);
	assert(uv_loop_close(&r->loop) == 0);
	journal_close(&r->journal);
	keys_wipe(&r->keys);
	test_world_deinit(&r->w);
	test_remove(r->folder);
}

/* How many lines of the audit log hold @word. */
static size_t told(const struct rig *r, const char *word)
{
	auto_buf struct buf text = BUF_MAX(0);
	char path[128];
	const char *at;
	size_t n = 0;

	(void)str_format(path, sizeof(path), "%s/audit.jsonl", r->folder);
	assert(file_read(AT_FDCWD, path, LOG_MAX, &text, NULL) == 0);
	for (at = (const char *)text.p; text.n && (at = strstr(at, word)); at++)
		n++;
	return n;
}

struct guest {
	struct secret32 secret;
	struct buf quote, frame, in;
	int fd;
	bool has_ended;
};

static void guest_connect(struct guest *g, const struct rig *r)
{
	g->fd = connect_unix(r->path, NULL);
	assert(g->fd >= 0 && fd_set_nonblocking(g->fd, true) == 0);
	g->in = BUF_MAX(KEY_FRAME_MAX);
	g->has_ended = false;
}

static void guest_init(struct guest *g, const struct rig *r, struct simulator_td *td)
{
	struct simulator_td good;

	memset(g, 0, sizeof(*g));
	simulator_td_init(&good);
	td = td ? td : &good;
	secret_random(&g->secret, sizeof(g->secret));
	assert(x25519_public(&g->secret, td->report_data, NULL) == 0);
	g->quote = BUF_MAX(SIMULATOR_QUOTE_MAX);
	assert(simulator_quote(r->w.sim, td, &g->quote) == 0);
	assert(key_frame_request(&g->frame, g->quote.p, g->quote.n, NULL) == 0);
	guest_connect(g, r);
}

static void guest_deinit(struct guest *g)
{
	g->fd = fd_close(g->fd);
	buf_deinit(&g->quote);
	buf_deinit(&g->frame);
	buf_deinit(&g->in);
}

/* What came so far; and has the other side hung up? */
static bool guest_has_ended(struct guest *g)
{
	uint8_t block[4096];
	ssize_t n;

	while (!g->has_ended && (n = recv(g->fd, block, sizeof(block), MSG_DONTWAIT)) != -1) {
		if (n == 0)
			g->has_ended = true;
		else
			assert(buf_add(&g->in, block, (size_t)n) == 0);
	}
	if (!g->has_ended && errno == ECONNRESET)
		g->has_ended = true;
	return g->has_ended;
}

/* Send it all, as fast as it is taken; it may hang up before. */
static void guest_send(struct guest *g, struct rig *r, const void *p, size_t n)
{
	const uint8_t *at = p;
	ssize_t sent;

	while (n > 0) {
		sent = send(g->fd, at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno != EAGAIN)
			return;
		if (sent > 0) {
			at += sent;
			n -= (size_t)sent;
		}
		(void)uv_run(&r->loop, UV_RUN_NOWAIT);
	}
}

static void must_get_key(struct guest *g, struct rig *r, struct secret32 *ret)
{
	struct provider_check_args a = { .pin = r->keys.id, .n_pin = sizeof(r->keys.id) };
	struct key_frame_answer answer;
	struct provider_found f;
	size_t n;

	UNTIL(r, guest_has_ended(g));
	assert(g->in.n > KEY_FRAME_HEAD && key_frame_length(g->in.p, &n, NULL) == 0);
	assert(g->in.n == KEY_FRAME_HEAD + n);
	assert(key_frame_answer(g->in.p + KEY_FRAME_HEAD, n, &answer, NULL) == 0);
	a.encrypted_key = answer.encrypted_key.p;
	a.n_encrypted_key = answer.encrypted_key.n;
	a.provider_quote = answer.provider_quote.p;
	a.n_provider_quote = answer.provider_quote.n;
	a.quote = g->quote.p;
	a.n_quote = g->quote.n;
	a.secret = &g->secret;
	assert(provider_check(&a, &f, NULL) == 0);
	*ret = f.key;
	key_frame_answer_deinit(&answer);
}

static void test_a_guest_gets_its_key_and_the_same_again(void)
{
	struct secret32 first, again, other;
	struct simulator_td td;
	struct guest g;
	struct rig r;

	start(&r, 0);
	guest_init(&g, &r, NULL);
	guest_send(&g, &r, g.frame.p, g.frame.n);
	must_get_key(&g, &r, &first);
	guest_deinit(&g);
	guest_init(&g, &r, NULL); /* another key pair, in pieces */
	for (size_t i = 0; i < g.frame.n; i += 1009)
		guest_send(&g, &r, g.frame.p + i, g.frame.n - i < 1009 ? g.frame.n - i : 1009);
	must_get_key(&g, &r, &again);
	guest_deinit(&g);
	assert(secret_equal(first.b, again.b, 32));
	simulator_td_init(&td);
	td.rtmr[3].b[0] = 1;
	guest_init(&g, &r, &td);
	guest_send(&g, &r, g.frame.p, g.frame.n);
	must_get_key(&g, &r, &other);
	guest_deinit(&g);
	assert(!secret_equal(first.b, other.b, 32));
	assert(told(&r, "\"result\":\"key\"") == 3 && told(&r, "\"simulated\":true") == 3);
	assert(told(&r, "\"rtmr3\":\"01000000") == 1 && told(&r, "UpToDate") == 3);
	end(&r);
}

static void must_be_hung_up_on(struct rig *r, struct guest *g, const char *why)
{
	UNTIL(r, guest_has_ended(g));
	assert(g->in.n == 0); /* without a word */
	r->n_refused++;
	UNTIL(r, told(r, "\"result\":\"refused\"") == r->n_refused);
	assert(told(r, why) > 0);
}

static void test_lengths_out_of_bounds_end_at_once(void)
{
	static const uint8_t heads[][4] = {
		{ 0, 0, 0, 0 }, { 255, 255, 255, 255 }, { 0, 0x80, 0, 1 }, { 0x80, 0, 0, 0 }
	};
	struct guest g;
	struct rig r;
	size_t i;

	start(&r, 0);
	for (i = 0; i < 4; i++) {
		guest_init(&g, &r, NULL);
		guest_send(&g, &r, heads[i], 4); /* and not one byte of what was announced */
		must_be_hung_up_on(&r, &g, "1 to 8388608 are taken");
		guest_deinit(&g);
	}
	end(&r);
}

static void test_what_is_no_request_is_refused(void)
{
	static const char *const bodies[] = { "x",
					      "{}",
					      "{\"quote\":\"00\"}",
					      "{\"quote\":[256]}",
					      "{\"quote\":[1],\"quote\":[1]}",
					      "null" };
	uint8_t head[4] = { 0 };
	struct guest g;
	struct rig r;
	size_t i;

	start(&r, 0);
	for (i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		guest_init(&g, &r, NULL);
		head[3] = (uint8_t)strlen(bodies[i]);
		guest_send(&g, &r, head, 4);
		guest_send(&g, &r, bodies[i], strlen(bodies[i]));
		must_be_hung_up_on(&r, &g, "request is not");
		guest_deinit(&g);
	}
	guest_init(&g, &r, NULL);
	guest_send(&g, &r, "\0\0\0\14{\"quote\":[]}", 16);
	must_be_hung_up_on(&r, &g, "quote-form");
	guest_deinit(&g);
	end(&r);
}

static void test_who_hangs_up_in_between_is_let_go(void)
{
	struct guest g;
	struct rig r;

	start(&r, 0);
	guest_init(&g, &r,
		   NULL); /* as a check whether somebody is there does: nothing to tell of */
	guest_deinit(&g);
	guest_init(&g, &r, NULL);
	guest_send(&g, &r, g.frame.p, 2);
	g.fd = fd_close(g.fd);
	UNTIL(&r, told(&r, "cut off after 2 bytes") == 1);
	guest_connect(&g, &r);
	guest_send(&g, &r, g.frame.p, g.frame.n - 1);
	g.fd = fd_close(g.fd);
	UNTIL(&r, told(&r, "cut off after") == 2);
	guest_connect(&g, &r);
	guest_send(&g, &r, g.frame.p, g.frame.n); /* and does not wait for the answer */
	guest_deinit(&g);
	UNTIL(&r, told(&r, "\"result\":\"key\"") == 1);
	assert(told(&r, "\"result\":\"refused\"") == 2);
	end(&r);
}

static void test_who_is_slow_has_a_deadline(void)
{
	static const uint8_t most[] = { 0, 0x80, 0, 0 };
	struct guest g;
	struct rig r;

	start(&r, SHORT_MS);
	guest_init(&g, &r, NULL); /* not a byte */
	must_be_hung_up_on(&r, &g, "not done within");
	guest_deinit(&g);
	guest_init(&g, &r, NULL); /* a byte now and then is no progress */
	guest_send(&g, &r, most, sizeof(most));
	while (!guest_has_ended(&g)) {
		(void)send(g.fd, "1", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
		(void)uv_run(&r.loop, UV_RUN_ONCE);
	}
	assert(g.in.n == 0 && told(&r, "not done within") == 2);
	guest_deinit(&g);
	end(&r);
}

static void test_refused_quotes_say_why_in_the_log_only(void)
{
	struct simulator_td td;
	struct guest g;
	struct rig r;

	start(&r, 0);
	simulator_td_init(&td);
	td.attributes |= 1;
	guest_init(&g, &r, &td);
	guest_send(&g, &r, g.frame.p, g.frame.n);
	must_be_hung_up_on(&r, &g, "debug");
	guest_deinit(&g);
	simulator_td_init(&td);
	td.report_data[32] = 1; /* the rest must be zero */
	guest_init(&g, &r, &td);
	guest_send(&g, &r, g.frame.p, g.frame.n);
	must_be_hung_up_on(&r, &g, "must be zero");
	guest_deinit(&g);
	r.w.pccs_rc = -EHOSTUNREACH;
	guest_init(&g, &r, NULL);
	guest_send(&g, &r, g.frame.p, g.frame.n);
	must_be_hung_up_on(&r, &g, "nobody answers");
	guest_deinit(&g);
	assert(told(&r, "\"result\":\"key\"") == 0);
	end(&r);
}

static void test_one_too_many_does_not_keep_others_out_for_long(void)
{
	struct guest all[SERVER_CONNS_MAX], g;
	struct secret32 key;
	struct rig r;
	size_t i;

	start(&r, 0);
	for (i = 0; i < SERVER_CONNS_MAX; i++) {
		memset(&all[i], 0, sizeof(all[i]));
		guest_connect(&all[i], &r);
		(void)uv_run(&r.loop, UV_RUN_ONCE);
	}
	guest_init(&g, &r, NULL);
	UNTIL(&r, guest_has_ended(&g));
	assert(g.in.n == 0);
	guest_deinit(&g);
	guest_send(&all[0], &r, "", 1);
	all[0].fd = fd_close(all[0].fd); /* one goes: there is room */
	UNTIL(&r, told(&r, "cut off after 1 bytes") == 1);
	guest_init(&g, &r, NULL);
	guest_send(&g, &r, g.frame.p, g.frame.n);
	must_get_key(&g, &r, &key);
	guest_deinit(&g);
	for (i = 1; i < SERVER_CONNS_MAX; i++)
		guest_deinit(&all[i]);
	end(&r);
}

static void test_requests_together_have_a_limit(void)
{
	enum { HUGE = 7 * 1024 * 1024, N = 6 };
	uint8_t *zeros = calloc(1, HUGE);
	static const uint8_t head[4] = { 0, 0x80, 0, 0 };
	struct guest all[N];
	struct rig r;
	size_t i;

	assert(zeros);
	start(&r, 0);
	for (i = 0; i < N; i++) {
		memset(&all[i], 0, sizeof(all[i]));
		guest_connect(&all[i], &r);
		guest_send(&all[i], &r, head, 4);
		guest_send(&all[i], &r, zeros, HUGE);
	}
	UNTIL(&r, told(&r, "too many at once") >= 1);
	for (i = 0; i < N; i++)
		guest_deinit(&all[i]);
	free(zeros);
	end(&r);
}

static void test_many_guests_at_once_all_get_theirs(void)
{
	enum { N = 24 };
	struct secret32 first, key;
	struct guest all[N];
	struct rig r;
	size_t i;

	start(&r, 0);
	for (i = 0; i < N; i++) {
		guest_init(&all[i], &r, NULL);
		guest_send(&all[i], &r, all[i].frame.p, all[i].frame.n);
	}
	for (i = 0; i < N; i++) {
		must_get_key(&all[i], &r, i ? &key : &first);
		assert(i == 0 || secret_equal(key.b, first.b, 32));
		guest_deinit(&all[i]);
	}
	end(&r);
}

static void test_it_can_be_stopped_in_the_middle(void)
{
	struct guest g, idle;
	struct rig r;

	start(&r, 0);
	memset(&idle, 0, sizeof(idle));
	guest_connect(&idle, &r);
	guest_init(&g, &r, NULL);
	guest_send(&g, &r, g.frame.p, g.frame.n);
	UNTIL(&r, r.w.n_asked > 0 || guest_has_ended(&g)); /* it is being judged */
	end(&r);
	guest_deinit(&g);
	guest_deinit(&idle);
}

static void test_without_a_line_in_the_log_there_is_no_key(void)
{
	struct guest g;
	struct rig r;

	start(&r, 0);
	(void)close(r.journal.file.fd);
	r.journal.file.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	assert(r.journal.file.fd >= 0);
	guest_init(&g, &r, NULL);
	guest_send(&g, &r, g.frame.p, g.frame.n);
	UNTIL(&r, guest_has_ended(&g));
	assert(g.in.n == 0);
	guest_deinit(&g);
	end(&r);
}

static void test_keys_are_made_once(void)
{
	char folder[] = "/tmp/b-made-XXXXXX";
	struct keys a, b, simulated;
	struct err e = ERR_NONE;
	char path[64];

	assert(mkdtemp(folder));
	assert(keys_open(folder, false, false, &a, &e) == -ENOENT);
	assert(keys_open(folder, false, true, &a, &e) == 0);
	assert(keys_open(folder, false, true, &b, &e) == 0);
	assert(memcmp(&a, &b, sizeof(a)) == 0);
	assert(keys_open(folder, true, true, &simulated, &e) == 0);
	assert(memcmp(a.id, simulated.id, sizeof(a.id)) != 0);
	assert(!secret_equal(a.sealing.b, simulated.sealing.b, 32));
	(void)str_format(path, sizeof(path), "%s/keys.json", folder);
	assert(chmod(path, 0640) == 0);
	assert(keys_open(folder, false, true, &b, &e) == ERR_INPUT && strstr(e.text, "chmod 600"));
	assert(chmod(path, 0600) == 0 && truncate(path, 100) == 0);
	assert(keys_open(folder, false, true, &b, &e) == ERR_CORRUPT && strstr(e.text, "backup"));
	test_remove(folder);
}

int main(void)
{
	log_init(LOG_LEVEL_ERROR);
	test_a_guest_gets_its_key_and_the_same_again();
	test_lengths_out_of_bounds_end_at_once();
	test_what_is_no_request_is_refused();
	test_who_hangs_up_in_between_is_let_go();
	test_who_is_slow_has_a_deadline();
	test_refused_quotes_say_why_in_the_log_only();
	test_one_too_many_does_not_keep_others_out_for_long();
	test_requests_together_have_a_limit();
	test_many_guests_at_once_all_get_theirs();
	test_it_can_be_stopped_in_the_middle();
	test_without_a_line_in_the_log_there_is_no_key();
	test_keys_are_made_once();
	return 0;
}
