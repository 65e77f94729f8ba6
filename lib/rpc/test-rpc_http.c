/* SPDX-License-Identifier: Apache-2.0 */
/* The whole way: bytes on a unix socket, lib/loop's server, the glue, a handler, bytes back. */
#include "rpc/rpc_http.h"

#include "loop/test_http.h"
#include "proto/common.pb-c.h"
#include "proto/vmm.pb-c.h"
#include "rpc/rpc.h"

static struct rpc_call *kept;
static uint32_t caller;

static void start(struct rpc_call *c, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Empty none = BAILEY__EMPTY__INIT;

	(void)ctx;
	(void)in;
	caller = rpc_peer(c)->uid;
	rpc_reply(c, &none.base);
}

static void hash(struct rpc_call *c, void *ctx, const ProtobufCMessage *in)
{
	Bailey__Vmm__ComposeHash out = BAILEY__VMM__COMPOSE_HASH__INIT;

	(void)ctx;
	out.hash = ((const Bailey__Vmm__VmConfiguration *)in)->name;
	rpc_reply(c, &out.base);
}

static void later(struct rpc_call *c, void *ctx, const ProtobufCMessage *in)
{
	(void)ctx;
	(void)in;
	kept = c;
}

static const struct rpc_method methods[] = {
	{ "StartVm", &bailey__id__descriptor, &bailey__empty__descriptor, start, true, 0 },
	{ "StopVm", &bailey__id__descriptor, &bailey__empty__descriptor, later, true, 0 },
	{ "GetComposeHash", &bailey__vmm__vm_configuration__descriptor,
	  &bailey__vmm__compose_hash__descriptor, hash, false, 0 },
};
static const struct rpc_service service = { "Vmm", "Teepod.", methods, 3, NULL, false };

static void on_request(struct http_request *r, void *arg)
{
	const struct rpc_peer peer = { .kind = RPC_PEER_OPERATOR, .uid = http_request_uid(r) };

	(void)arg;
	if (!rpc_http_handle(&service, NULL, "/prpc/", r, &peer))
		http_reply(r, 404, "text/plain", "none\n", 5, NULL);
}

/* Send @request, read until @end was answered; the text is good until the next call. */
static const char *ask(struct test_http *t, const char *request, const char *end)
{
	static char text[4096];
	struct test_client c = test_connect(t);

	TEST_SAY(t, &c, request);
	TEST_UNTIL_HAS(t, &c, end);
	(void)snprintf(text, sizeof(text), "%s", test_text(&c));
	test_hang_up(&c);
	return text;
}

#define HOST "HTTP/1.1\r\nHost: x\r\n"

static void test_calls_over_http(struct test_http *t)
{
	const char *got =
		ask(t, "POST /prpc/StartVm?json " HOST "Content-Length: 10\r\n\r\n{\"id\":\"x\"}",
		    "null");

	assert(strstr(got, " 200 ") && strstr(got, "Content-Type: application/json\r\n"));
	assert(strstr(got, "Content-Length: 4\r\n") && caller == getuid());
	got = ask(t, "GET /prpc/GetComposeHash?name=a%20b " HOST "\r\n", "}");
	assert(strstr(got, " 200 ") && strstr(got, "\r\n\r\n{\"hash\":\"a b\"}"));
	got = ask(t,
		  "POST /prpc/Teepod.GetComposeHash " HOST "Content-Type: application/json\r\n"
		  "Content-Length: 2\r\n\r\n{}",
		  "}");
	assert(strstr(got, "\r\n\r\n{\"hash\":\"\"}"));
	got = ask(t, "POST /prpc/GetComposeHash " HOST "Content-Length: 3\r\n\r\n\x0a\x01n",
		  "\n\x01n");
	assert(strstr(got, " 200 ") && strstr(got, "Content-Type: application/octet-stream\r\n"));
}

static void test_failures_over_http(struct test_http *t)
{
	const char *got = ask(t, "GET /prpc/Nope " HOST "\r\n", "}");

	assert(strstr(got, " 400 ") &&
	       strstr(got, "\r\n\r\n{\n  \"error\": \"Service not found: Nope\"\n}"));
	got = ask(t, "POST /prpc/StartVm?json " HOST "Content-Length: 3\r\n\r\n[1]", "}");
	assert(strstr(got, " 400 ") && strstr(got, "\"error\": \"expected an object\""));
}

static void test_large_bodies_are_refused(struct test_http *t)
{
	char request[2000];
	const char *got;

	(void)snprintf(request, sizeof(request),
		       "POST /prpc/StartVm?json " HOST "Content-Length: 1001\r\n\r\n%01001d", 0);
	got = ask(t, request, "}");
	assert(strstr(got, " 400 "));
	assert(strstr(got, "{\n  \"error\": \"failed to read data: payload too large\"\n}"));
}

static void test_other_paths_and_verbs_are_not_ours(struct test_http *t)
{
	static const char *const paths[] = { "/prpc/",		"/prpc",	  "/",
					     "/prpc/StartVm/x", "/prpcx/StartVm", "/api/StartVm" };
	char request[200];
	size_t i;

	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		(void)snprintf(request, sizeof(request), "GET %s " HOST "\r\n", paths[i]);
		assert(strstr(ask(t, request, "none"), " 404 "));
	}
	assert(strstr(ask(t, "DELETE /prpc/StartVm " HOST "\r\n", "none"), " 404 "));
	assert(strstr(ask(t, "PUT /prpc/StartVm " HOST "Content-Length: 0\r\n\r\n", "none"),
		      " 404 "));
}

static void test_an_answer_after_the_client_went(struct test_http *t)
{
	const Bailey__Empty none = BAILEY__EMPTY__INIT;
	struct test_client c = test_connect(t);

	kept = NULL;
	TEST_SAY(t, &c, "POST /prpc/StopVm?json " HOST "Content-Length: 10\r\n\r\n{\"id\":\"x\"}");
	TEST_UNTIL(t, kept != NULL);
	test_hang_up(&c);
	rpc_reply(kept, &none.base);
	assert(strstr(ask(t, "GET /prpc/GetComposeHash?name=x " HOST "\r\n", "}"), " 200 "));
}

static void test_get_changes_nothing(struct test_http *t)
{
	const char *got = ask(t, "GET /prpc/StartVm?id=x " HOST "\r\n", "}");

	assert(strstr(got, " 405 ") && strstr(got, "\r\nAllow: POST\r\n"));
}

int main(void)
{
	const struct http_server_options o = { .body_max = 1000, .on_request = on_request };
	struct test_http t = { .stopped = false };

	test_server_start(&t, &o);
	test_calls_over_http(&t);
	test_failures_over_http(&t);
	test_large_bodies_are_refused(&t);
	test_other_paths_and_verbs_are_not_ours(&t);
	test_an_answer_after_the_client_went(&t);
	test_get_changes_nothing(&t);
	test_server_end(&t);
	return 0;
}
