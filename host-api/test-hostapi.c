/* SPDX-License-Identifier: Apache-2.0 */
/* What guests are answered, and who they are taken for, over real unix sockets. */
#include <netinet/in.h>

#include "loop/test_http.h"

#include "base/version.h"
#include "host-api/hostapi.h"
#include "host-api/key_provider.h"

struct host {
	struct test_http t;
	struct hostapi *api;
	struct hostapi_guest *guest[2];
	struct key_provider *keys;
	int key_listener;
	char uds[2][64];
	bool guest_stopped;
	unsigned int n_notices;
	char vm_id[65], event[128], payload[8192];
	uint64_t generation;
	bool forget_vms;
};

static int on_notify(void *ctx, const char *vm_id, uint64_t generation, const char *event,
		     const char *payload)
{
	struct host *h = ctx;

	if (h->forget_vms)
		return ERR_NOT_FOUND;
	h->n_notices++;
	h->generation = generation;
	(void)snprintf(h->vm_id, sizeof(h->vm_id), "%s", vm_id);
	(void)snprintf(h->event, sizeof(h->event), "%s", event);
	(void)snprintf(h->payload, sizeof(h->payload), "%s", payload);
	return 0;
}

static bool find_cid(void *ctx, uint32_t cid, struct carrier_peer *ret)
{
	const struct host *h = ctx;

	if (cid != 7 || h->forget_vms)
		return false;
	*ret = (struct carrier_peer){ .vm_id = "vm-of-cid-7", .generation = 70 };
	return true;
}

static void start_keys(struct host *h)
{
	struct sockaddr_in in = { 0 };
	socklen_t n = sizeof(in);
	char address[32];
	struct err e = ERR_NONE;

	h->key_listener = listen_tcp("127.0.0.1:0", &e);
	assert(h->key_listener >= 0);
	assert(getsockname(h->key_listener, (struct sockaddr *)&in, &n) == 0);
	(void)snprintf(address, sizeof(address), "127.0.0.1:%u", ntohs(in.sin_port));
	assert(key_provider_start(&h->keys, &h->t.loop, address, 0, &e) == 0);
}

static void start(struct host *h, bool with_keys)
{
	struct hostapi_options o = { .on_notify = on_notify, .find_cid = find_cid, .ctx = h };
	struct carrier_peer peer = { .vm_id = "" };
	struct err e = ERR_NONE;
	int i, fd;

	memset(h, 0, sizeof(*h));
	h->key_listener = -1;
	test_loop_start(&h->t);
	if (with_keys)
		start_keys(h);
	o.key_provider = h->keys;
	assert(hostapi_start(&h->api, &h->t.loop, &o, &e) == 0);
	for (i = 0; i < 2; i++) {
		(void)snprintf(h->uds[i], sizeof(h->uds[i]), "./hostapi-%d-%d", (int)getpid(), i);
		(void)snprintf(peer.vm_id, sizeof(peer.vm_id), "vm-%d", i);
		peer.generation = 10 + (unsigned int)i;
		fd = carrier_listen_unix(h->uds[i], CARRIER_HOST_PORT, 0600, &e);
		assert(fd >= 0);
		assert(hostapi_guest_start(&h->guest[i], h->api, &peer, fd, &e) == 0);
	}
}

static void path_of(const struct host *h, int i, char *to, size_t size)
{
	(void)snprintf(to, size, "%s_10000", h->uds[i]);
}

static void end(struct host *h)
{
	char path[80];
	int i;

	hostapi_stop(h->api, test_on_stopped, &h->t);
	TEST_UNTIL(&h->t, h->t.stopped);
	if (h->keys) {
		h->t.stopped = false;
		key_provider_stop(h->keys, test_on_stopped, &h->t);
		TEST_UNTIL(&h->t, h->t.stopped);
	}
	h->key_listener = fd_close(h->key_listener);
	for (i = 0; i < 2; i++) {
		path_of(h, i, path, sizeof(path));
		(void)unlink(path);
	}
	test_loop_end(&h->t);
}

static struct test_client guest_connect(struct host *h, int i)
{
	char path[80];
	struct err e = ERR_NONE;
	struct test_client c = { .in = BUF_MAX(64 << 20) };

	path_of(h, i, path, sizeof(path));
	c.fd = connect_unix(path, &e);
	assert(c.fd >= 0);
	return c;
}

static void post(struct host *h, struct test_client *c, const char *target, const char *body)
{
	char head[256];

	(void)snprintf(head, sizeof(head),
		       "POST %s HTTP/1.1\r\nHost: 2:10000\r\nContent-Length: %zu\r\n\r\n", target,
		       strlen(body));
	buf_deinit(&c->in);
	TEST_SAY(&h->t, c, head);
	TEST_SAY(&h->t, c, body);
}

/* The body of the answer to a call on a connection that is kept. */
static const char *call(struct host *h, struct test_client *c, const char *target, const char *body,
			int *ret_status)
{
	const char *head;
	size_t n;

	post(h, c, target, body);
	TEST_UNTIL_HAS(&h->t, c, "\r\n\r\n");
	head = strstr(test_text(c), "Content-Length: ");
	assert(head);
	n = strtoul(head + 16, NULL, 10);
	TEST_UNTIL(&h->t, test_read(c) && strlen(strstr(test_text(c), "\r\n\r\n") + 4) >= n);
	*ret_status = (int)strtol(test_text(c) + strlen("HTTP/1.1 "), NULL, 10);
	return strstr(test_text(c), "\r\n\r\n") + 4;
}

static void test_info(void)
{
	static struct host h;
	struct test_client c;
	int status;

	start(&h, false);
	c = guest_connect(&h, 0);
	assert(strcmp(call(&h, &c, "/api/Info?json", "null", &status),
		      "{\"name\":\"dstack VMM\",\"version\":\"" DSTACK_VERSION "\"}") == 0);
	assert(status == 200);
	TEST_SAY(&h.t, &c, "GET /api/Info HTTP/1.1\r\nHost: x\r\n\r\n");
	buf_deinit(&c.in);
	TEST_UNTIL_HAS(&h.t, &c, "dstack VMM");
	(void)call(&h, &c, "/other", "", &status);
	assert(status == 404);
	(void)call(&h, &c, "/api/a/b", "", &status);
	assert(status == 404);
	assert(strstr(call(&h, &c, "/api/Nope?json", "", &status), "Service not found: Nope"));
	assert(status == 400);
	test_hang_up(&c);
	end(&h);
}

static void test_notice_is_of_the_vm_whose_socket_it_came_by(void)
{
	static struct host h;
	struct test_client c[2];
	int status;

	start(&h, false);
	c[0] = guest_connect(&h, 0);
	c[1] = guest_connect(&h, 1);
	assert(strcmp(call(&h, &c[0], "/api/Notify?json",
			   "{\"event\":\"boot.progress\",\"payload\":\"done\",\"vm_id\":\"vm-1\"}",
			   &status),
		      "null") == 0);
	assert(status == 200 && h.n_notices == 1);
	assert(strcmp(h.vm_id, "vm-0") == 0 && h.generation == 10);
	assert(strcmp(h.event, "boot.progress") == 0 && strcmp(h.payload, "done") == 0);
	(void)call(&h, &c[1], "/api/Notify?json", "{\"event\":\"x\"}", &status);
	assert(strcmp(h.vm_id, "vm-1") == 0 && h.generation == 11 && h.payload[0] == 0);
	h.forget_vms = true;
	assert(strstr(call(&h, &c[1], "/api/Notify?json", "{\"event\":\"x\"}", &status),
		      "\"VM not found\""));
	assert(status == 400);
	test_hang_up(&c[0]);
	test_hang_up(&c[1]);
	end(&h);
}

static void test_notices_are_bounded(void)
{
	static char body[70 * 1024];
	static struct host h;
	struct test_client c;
	int status;

	start(&h, false);
	c = guest_connect(&h, 0);
	(void)snprintf(body, sizeof(body), "{\"event\":\"e\",\"payload\":\"%4096d\"}", 1);
	(void)call(&h, &c, "/api/Notify?json", body, &status);
	assert(status == 200 && h.n_notices == 1 && strlen(h.payload) == 4096);
	(void)snprintf(body, sizeof(body), "{\"event\":\"e\",\"payload\":\"%4097d\"}", 1);
	(void)call(&h, &c, "/api/Notify?json", body, &status);
	assert(status == 200 && h.n_notices == 1); /* dropped, and nobody is told */
	(void)snprintf(body, sizeof(body), "{\"event\":\"%064d\"}", 1);
	(void)call(&h, &c, "/api/Notify?json", body, &status);
	assert(status == 200 && h.n_notices == 2);
	(void)snprintf(body, sizeof(body), "{\"event\":\"%065d\"}", 1);
	(void)call(&h, &c, "/api/Notify?json", body, &status);
	assert(status == 400 && h.n_notices == 2);
	(void)call(&h, &c, "/api/Notify?json", "{\"event\":\"\"}", &status);
	assert(status == 400);
	(void)call(&h, &c, "/api/Notify?json", "{\"event\":\"\xff\xfe\"}", &status);
	assert(status == 400);
	(void)call(&h, &c, "/api/Notify", "\n\2\xff\xfe", &status); /* protobuf, event = ff fe */
	assert(status == 400);
	(void)call(&h, &c, "/api/Notify?json", "{\"event\":", &status);
	assert(status == 400 && h.n_notices == 2);
	(void)snprintf(body, sizeof(body), "{\"event\":\"e\",\"payload\":\"%66000d\"}", 1);
	assert(strstr(call(&h, &c, "/api/Notify?json", body, &status), "payload too large"));
	assert(status == 400 && h.n_notices == 2);
	test_hang_up(&c);
	end(&h);
}

static void test_sealing_key_without_a_provider(void)
{
	static struct host h;
	struct test_client c;
	int status;

	start(&h, false);
	c = guest_connect(&h, 0);
	assert(strstr(call(&h, &c, "/api/GetSealingKey?json", "{\"quote\":\"00ff\"}", &status),
		      "\"Key provider is not enabled\""));
	assert(status == 400);
	test_hang_up(&c);
	end(&h);
}

static int take_key_request(struct host *h, const char *json)
{
	char text[256] = "";
	ssize_t n = 0, got;
	int fd = -1;

	TEST_UNTIL(&h->t, (fd = accept4(h->key_listener, NULL, NULL, SOCK_CLOEXEC)) >= 0);
	while (n < (ssize_t)strlen(json) + 4) {
		test_turn(&h->t);
		got = recv(fd, text + n, sizeof(text) - 1 - (size_t)n, MSG_DONTWAIT);
		n += got > 0 ? got : 0;
	}
	assert(strcmp(text + 4, json) == 0);
	return fd;
}

static void test_sealing_key_is_relayed_one_at_a_time(void)
{
	static const char frame[] = "\0\0\0\56{\"encrypted_key\":[1,255],\"provider_quote\":[2]}";
	static struct host h;
	struct test_client c[3];
	int fd, status;

	start(&h, true);
	c[0] = guest_connect(&h, 0);
	c[1] = guest_connect(&h, 0);
	c[2] = guest_connect(&h, 1);
	post(&h, &c[0], "/api/GetSealingKey?json", "{\"quote\":\"00ff\"}");
	fd = take_key_request(&h, "{\"quote\":[0,255]}");
	assert(strstr(call(&h, &c[1], "/api/GetSealingKey?json", "{\"quote\":\"00ff\"}", &status),
		      "another GetSealingKey"));
	assert(status == 400);
	/* another VM is not kept waiting, nor is Info of this one */
	assert(strstr(call(&h, &c[1], "/api/Info?json", "", &status), "dstack VMM"));
	post(&h, &c[2], "/api/GetSealingKey?json", "{\"quote\":\"01\"}");
	(void)close(take_key_request(&h, "{\"quote\":[1]}"));
	TEST_UNTIL_HAS(&h.t, &c[2], "Failed to get sealing key from key provider: ");
	assert(strlen(frame + 4) == 46);
	assert(send(fd, frame, sizeof(frame) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(frame) - 1);
	TEST_UNTIL_HAS(&h.t, &c[0], "{\"encrypted_key\":\"01ff\",\"provider_quote\":\"02\"}");
	(void)close(fd);
	/* and again, now that it is done */
	post(&h, &c[1], "/api/GetSealingKey?json", "{\"quote\":\"02\"}");
	(void)close(take_key_request(&h, "{\"quote\":[2]}"));
	TEST_UNTIL_HAS(&h.t, &c[1], "400");
	test_hang_up(&c[0]);
	test_hang_up(&c[1]);
	test_hang_up(&c[2]);
	end(&h);
}

/* A quote beyond the ordinary body goes another way, to the same end. */
static void test_large_quote_is_relayed_too(void)
{
	static const char frame[] = "\0\0\0\56{\"encrypted_key\":[1,255],\"provider_quote\":[2]}";
	static char body[2 * KEY_FRAME_QUOTE_MAX + 1024];
	static struct host h;
	struct test_client c;
	size_t n = 0;
	int fd = -1, status;

	start(&h, true);
	c = guest_connect(&h, 0);
	(void)snprintf(body, sizeof(body), "{\"quote\":\"%0*d\"}", 2 * KEY_FRAME_QUOTE_MAX, 1);
	post(&h, &c, "/api/GetSealingKey?json", body);
	TEST_UNTIL(&h.t, (fd = accept4(h.key_listener, NULL, NULL, SOCK_CLOEXEC)) >= 0);
	while (n < 4 + strlen("{\"quote\":[]}") + 2 * (size_t)KEY_FRAME_QUOTE_MAX - 1) {
		ssize_t got = recv(fd, body, sizeof(body), MSG_DONTWAIT);

		n += got > 0 ? (size_t)got : 0;
		test_turn(&h.t);
	}
	assert(send(fd, frame, sizeof(frame) - 1, MSG_NOSIGNAL) == (ssize_t)sizeof(frame) - 1);
	TEST_UNTIL_HAS(&h.t, &c, "{\"encrypted_key\":\"01ff\",\"provider_quote\":\"02\"}");
	(void)close(fd);

	(void)snprintf(body, sizeof(body), "{\"quote\":\"%0*d\"}", 2 * KEY_FRAME_QUOTE_MAX + 2, 1);
	assert(strstr(call(&h, &c, "/api/GetSealingKey?json", body, &status),
		      "Failed to get sealing key from key provider: Quote is too long"));
	assert(status == 400);
	(void)snprintf(body, sizeof(body), "{\"quote\":\"%0*d", 100000, 1);
	assert(strstr(call(&h, &c, "/api/GetSealingKey?json", body, &status), "\"error\": "));
	assert(status == 400);
	test_hang_up(&c);
	end(&h);
}

static void on_guest_stopped(void *arg)
{
	((struct host *)arg)->guest_stopped = true;
}

static void test_guest_may_end_before_its_key_comes(void)
{
	static struct host h;
	struct test_client c;
	int fd;

	start(&h, true);
	c = guest_connect(&h, 0);
	post(&h, &c, "/api/GetSealingKey?json", "{\"quote\":\"00ff\"}");
	fd = take_key_request(&h, "{\"quote\":[0,255]}");
	hostapi_guest_stop(h.guest[0], on_guest_stopped, &h);
	TEST_UNTIL(&h.t, h.guest_stopped);
	TEST_UNTIL_ENDED(&h.t, &c);
	(void)close(fd);
	test_hang_up(&c);
	end(&h);
}

static struct test_client come_from(struct host *h, uint32_t cid, int *ret_rc)
{
	struct test_client c = { .in = BUF_MAX(1 << 20) };
	struct err e = ERR_NONE;
	int sv[2];

	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) == 0);
	*ret_rc = hostapi_add(h->api, sv[1], cid, &e);
	c.fd = sv[0];
	return c;
}

static void test_kernel_guests_are_their_cids(void)
{
	static struct host h;
	struct test_client c[HOSTAPI_CONNS_MAX + 1], other;
	int i, rc, status;

	start(&h, false);
	c[0] = come_from(&h, 7, &rc);
	assert(rc == 0);
	(void)call(&h, &c[0], "/api/Notify?json", "{\"event\":\"x\"}", &status);
	assert(status == 200 && strcmp(h.vm_id, "vm-of-cid-7") == 0 && h.generation == 70);
	/* its limit is its own: beyond it, it is refused, and another CID is served */
	for (i = 1; i < HOSTAPI_CONNS_MAX; i++) {
		c[i] = come_from(&h, 7, &rc);
		assert(rc == 0);
	}
	c[i] = come_from(&h, 7, &rc);
	assert(rc == ERR_LIMIT);
	TEST_UNTIL_ENDED(&h.t, &c[i]);
	other = come_from(&h, 8, &rc);
	assert(rc == 0);
	assert(strstr(call(&h, &other, "/api/Info?json", "", &status), "dstack VMM"));
	assert(strstr(call(&h, &other, "/api/Notify?json", "{\"event\":\"x\"}", &status),
		      "VM not found"));
	assert(h.n_notices == 1);
	for (i = 0; i <= HOSTAPI_CONNS_MAX; i++)
		test_hang_up(&c[i]);
	test_hang_up(&other);
	/* the host itself is no guest */
	for (i = 0; i <= CARRIER_HOST_CID; i++) {
		other = come_from(&h, (uint32_t)i, &rc);
		assert(rc == ERR_PROTO);
		test_hang_up(&other);
	}
	end(&h);
}

static void test_kernel_listener_says_what_is_missing_or_works(void)
{
	static struct host h;
	struct err e = ERR_NONE;
	int fd;

	start(&h, false);
	fd = carrier_listen_kernel(CARRIER_HOST_PORT, &e);
	if (fd >= 0)
		assert(hostapi_listen_kernel(h.api, fd, &e) == 0);
	else
		assert(fd == -EADDRINUSE || (fd == ERR_MISSING && strstr(e.text, "modprobe")));
	end(&h);
}

int main(void)
{
	test_info();
	test_notice_is_of_the_vm_whose_socket_it_came_by();
	test_notices_are_bounded();
	test_sealing_key_without_a_provider();
	test_sealing_key_is_relayed_one_at_a_time();
	test_large_quote_is_relayed_too();
	test_guest_may_end_before_its_key_comes();
	test_kernel_guests_are_their_cids();
	test_kernel_listener_says_what_is_missing_or_works();
	return 0;
}
