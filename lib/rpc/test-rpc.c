/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "rpc/rpc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "proto/common.pb-c.h"
#include "proto/vmm.pb-c.h"

/* What an answer was, and what a handler saw. */
struct seen {
	int n_answers, n_calls, status;
	char type[64];
	char *body;
	size_t n;
	char argument[64];
	char vm_id[65];
};

static struct rpc_call *kept;

static void start(struct rpc_call *c, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Empty none = BAILEY__EMPTY__INIT;
	struct seen *s = ctx;

	s->n_calls++;
	(void)snprintf(s->argument, sizeof(s->argument), "%s", ((const Bailey__Id *)in)->id);
	(void)snprintf(s->vm_id, sizeof(s->vm_id), "%s", rpc_peer(c)->vm_id);
	rpc_reply(c, &none.base);
}

static void later(struct rpc_call *c, void *ctx, const ProtobufCMessage *in)
{
	struct seen *s = ctx;

	assert(in->descriptor == &bailey__empty__descriptor);
	s->n_calls++;
	kept = c;
}

static void fail(struct rpc_call *c, void *ctx, const ProtobufCMessage *in)
{
	struct seen *s = ctx;
	struct err e = ERR_NONE;

	(void)in;
	s->n_calls++;
	(void)err_set(&e, ERR_NOT_FOUND, "Failed to stop VM: \"x\" caf\xc3\xa9");
	rpc_fail(c, &e);
}

static void hash(struct rpc_call *c, void *ctx, const ProtobufCMessage *in)
{
	const Bailey__Vmm__VmConfiguration *v = (const Bailey__Vmm__VmConfiguration *)in;
	Bailey__Vmm__ComposeHash out = BAILEY__VMM__COMPOSE_HASH__INIT;
	struct seen *s = ctx;

	s->n_calls++;
	out.hash = v->name;
	rpc_reply(c, &out.base);
}

static const struct rpc_method methods[] = {
	{ "StartVm", &bailey__id__descriptor, &bailey__empty__descriptor, start, true, 100 },
	{ "Version", &bailey__empty__descriptor, &bailey__vmm__version_response__descriptor, later,
	  false, 0 },
	{ "StopVm", &bailey__id__descriptor, &bailey__empty__descriptor, fail, true, 0 },
	{ "GetComposeHash", &bailey__vmm__vm_configuration__descriptor,
	  &bailey__vmm__compose_hash__descriptor, hash, false, 0 },
};

static const struct rpc_service service = { "Vmm", "Teepod.", methods, 4, NULL, false };

static void done(void *arg, int status, const char *type, const void *body, size_t n)
{
	struct seen *s = arg;

	s->n_answers++;
	s->status = status;
	(void)snprintf(s->type, sizeof(s->type), "%s", type);
	s->body = xcalloc(1, n + 1);
	if (n)
		memcpy(s->body, body, n);
	s->n = n;
}

static struct seen call(struct rpc_request r)
{
	static const struct rpc_peer peer = { .kind = RPC_PEER_GUEST, .vm_id = "vm-7" };
	struct seen s = { .body = NULL };

	rpc_dispatch(&service, &s, &peer, &r, done, &s);
	assert(s.n_answers == 1);
	return s;
}

static void expect(struct seen s, int status, const char *type, const void *body, size_t n)
{
	if (s.status != status || strcmp(s.type, type) != 0 || s.n != n ||
	    memcmp(s.body, body, n) != 0)
		(void)fprintf(stderr, "got %d %s %s\nexpected %d %s %s\n", s.status, s.type, s.body,
			      status, type, (const char *)body);
	assert(s.status == status && strcmp(s.type, type) == 0 && s.n == n &&
	       memcmp(s.body, body, n) == 0);
	free(s.body);
}

static void expect_json(struct seen s, int status, const char *text)
{
	expect(s, status, "application/json", text, strlen(text));
}

static struct rpc_request post(const char *method, const char *query, const char *body)
{
	return (struct rpc_request){
		.method = method, .query = query, .body = body, .n_body = strlen(body)
	};
}

static void test_json_when_asked_for(void)
{
	static const char *const yes[] = { "json",	"json=",    "json=1",
					   "json=true", "a=b&json", "json&a" };
	static const char *const no[] = { "json=0", "json=false", "jsonx", "xjson",
					  "a=json", "",		  "JSON" };
	static const char *const types[] = { "application/json", "Application/JSON",
					     "application/json; charset=utf-8",
					     "application/json;x" };
	struct rpc_request r = { .method = "M" };
	size_t i;

	assert(rpc_encoding_of(&r) == RPC_PROTOBUF);
	for (i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		r.query = yes[i];
		assert(rpc_encoding_of(&r) == RPC_JSON);
	}
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		r.query = no[i];
		assert(rpc_encoding_of(&r) == RPC_PROTOBUF);
	}
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		r.content_type = types[i];
		assert(rpc_encoding_of(&r) == RPC_JSON);
	}
	r.content_type = "application/jsonx";
	assert(rpc_encoding_of(&r) == RPC_PROTOBUF);
	r.content_type = "application/octet-stream";
	assert(rpc_encoding_of(&r) == RPC_PROTOBUF);
	r.is_get = true;
	assert(rpc_encoding_of(&r) == RPC_JSON);
}

static void test_json_call(void)
{
	struct seen s = call(post("StartVm", "json", "{\"id\":\"a\",\"more\":1}"));

	assert(s.n_calls == 1 && strcmp(s.argument, "a") == 0 && strcmp(s.vm_id, "vm-7") == 0);
	expect_json(s, 200, "null");
	s = call(post("StartVm", "json", ""));
	assert(s.n_calls == 1 && s.argument[0] == 0);
	expect_json(s, 200, "null");
	expect_json(call(post("StartVm", "json", "null")), 200, "null");
	expect_json(call(post("GetComposeHash", "json", "{\"name\":\"caf\\u00e9\"}")), 200,
		    "{\"hash\":\"caf\\u00E9\"}");
}

static void test_binary_call(void)
{
	struct seen s = call(post("StartVm", NULL, "\x0a\x01z"));

	assert(s.n_calls == 1 && strcmp(s.argument, "z") == 0);
	expect(s, 200, "application/octet-stream", "", 0);
	expect(call(post("GetComposeHash", "", "\x0a\x01n")), 200, "application/octet-stream",
	       "\x0a\x01n", 3);
	expect(call(post("GetComposeHash", "", "")), 200, "application/octet-stream", "", 0);
}

static void test_get_takes_its_arguments_from_the_query(void)
{
	struct rpc_request r = { .method = "GetComposeHash",
				 .is_get = true,
				 .query = "name=a%20b&token=x" };

	expect_json(call(r), 200, "{\"hash\":\"a b\"}");
	r.query = "name=%";
	expect_json(call(r), 400, "{\n  \"error\": \"query: bad percent-encoding\"\n}");
}

static void test_get_changes_nothing(void)
{
	struct rpc_request r = { .method = "Teepod.StartVm", .is_get = true, .query = "id=a" };
	struct seen s = call(r);

	assert(s.n_calls == 0);
	expect_json(s, 405, "{\n  \"error\": \"StartVm changes something; call it with POST\"\n}");
}

/* The last of observe()'s calls. */
static struct outcome {
	unsigned int n;
	int status;
	char method[32], subject[64], error[64], name[65];
} last;

static void observe(void *ctx, const struct rpc_outcome *o)
{
	assert(ctx);
	last.n++;
	last.status = o->status;
	(void)snprintf(last.method, sizeof(last.method), "%s", o->method ? o->method->name : "?");
	(void)snprintf(last.subject, sizeof(last.subject), "%s", o->subject);
	(void)snprintf(last.error, sizeof(last.error), "%.60s", o->error ? o->error : "");
	(void)snprintf(last.name, sizeof(last.name), "%s", o->peer->name);
}

static void dispatch_as(const struct rpc_peer *peer, struct rpc_request r, struct seen *s)
{
	struct rpc_service watched = service;

	watched.observe = observe;
	*s = (struct seen){ .body = NULL };
	rpc_dispatch(&watched, s, peer, &r, done, s);
	assert(s->n_answers == 1);
}

static void test_a_reader_only_reads(void)
{
	const struct rpc_peer reader = { .kind = RPC_PEER_TOKEN, .is_reader = true, .name = "eve" };
	struct seen s;

	dispatch_as(&reader, post("StartVm", "json", "{\"id\":\"a\"}"), &s);
	assert(s.n_calls == 0);
	expect_json(s, 403,
		    "{\n  \"error\": \"eve may only read; StartVm needs the role operate\"\n}");
	assert(last.status == 403 && strcmp(last.method, "StartVm") == 0);
	dispatch_as(&reader, post("GetComposeHash", "json", "{\"name\":\"x\"}"), &s);
	expect_json(s, 200, "{\"hash\":\"x\"}");
}

static void test_each_call_is_observed_once(void)
{
	const struct rpc_peer peer = { .kind = RPC_PEER_OPERATOR, .name = "uid 7" };
	struct seen s;

	last.n = 0;
	dispatch_as(&peer, post("StartVm", "json", "{\"id\":\"vm\"}"), &s);
	free(s.body);
	assert(last.n == 1 && last.status == 200 && strcmp(last.subject, "vm") == 0);
	assert(strcmp(last.method, "StartVm") == 0 && strcmp(last.name, "uid 7") == 0);
	dispatch_as(&peer, post("StopVm", "json", "{\"id\":\"vm\"}"), &s);
	free(s.body);
	assert(last.n == 2 && last.status == 400 && strstr(last.error, "Failed to stop VM"));
	dispatch_as(&peer, post("Nope", "json", "{}"), &s);
	free(s.body);
	assert(last.n == 3 && last.status == 400 && strcmp(last.method, "?") == 0);
}

static void test_an_answer_may_come_later(void)
{
	static const struct rpc_peer peer = { .kind = RPC_PEER_OPERATOR };
	Bailey__Vmm__VersionResponse out = BAILEY__VMM__VERSION_RESPONSE__INIT;
	struct rpc_request r = post("Version", "json", "anything [ at all");
	struct seen s = { .body = NULL };
	char version[] = "1";

	rpc_dispatch(&service, &s, &peer, &r, done, &s);
	assert(s.n_calls == 1 && s.n_answers == 0 && rpc_peer(kept)->kind == RPC_PEER_OPERATOR);
	out.version = version;
	rpc_reply(kept, &out.base);
	expect_json(s, 200, "{\"version\":\"1\",\"rev\":\"\"}");
}

static void test_prefixes_are_stripped(void)
{
	expect_json(call(post("Teepod.StartVm", "json", "")), 200, "null");
	expect_json(call(post("Teepod.Teepod.StartVm", "json", "")), 200, "null");
	expect_json(call(post("Vmm.StartVm", "json", "")), 400,
		    "{\n  \"error\": \"Service not found: Vmm.StartVm\"\n}");
}

static void test_unknown_methods(void)
{
	expect_json(call(post("Nope", "json", "")), 400,
		    "{\n  \"error\": \"Service not found: Nope\"\n}");
	expect(call(post("Nope", "", "")), 400, "application/octet-stream",
	       "\x0a\x17Service not found: Nope", 25);
	expect_json(call(post("", "json", "")), 400, "{\n  \"error\": \"Service not found: \"\n}");
	expect_json(call(post("startvm", "json", "")), 400,
		    "{\n  \"error\": \"Service not found: startvm\"\n}");
	expect_json(call(post("StartVm/x", "json", "")), 400,
		    "{\n  \"error\": \"Service not found: StartVm/x\"\n}");
	expect_json(call(post("\xff\x1b", "json", "")), 400,
		    "{\n  \"error\": \"Service not found: \\\\xff\\\\x1b\"\n}");
}

static void test_failures_are_ascii_and_indented(void)
{
	expect_json(call(post("StopVm", "json", "")), 400,
		    "{\n  \"error\": \"Failed to stop VM: \\\"x\\\" caf\\u00E9\"\n}");
	expect(call(post("StopVm", "", "")), 400, "application/octet-stream",
	       "\x0a\x1c"
	       "Failed to stop VM: \"x\" caf\xc3\xa9",
	       30);
}

static void test_arguments_that_do_not_decode(void)
{
	struct seen s = call(post("StartVm", "json", "{\"id\":1}"));

	assert(s.n_calls == 0);
	expect_json(s, 400, "{\n  \"error\": \"field 'id': expected a string\"\n}");
	expect_json(call(post("StartVm", "json", "[]")), 400,
		    "{\n  \"error\": \"expected an object\"\n}");
	s = call(post("StartVm", "json", "{"));
	assert(s.status == 400 && strstr(s.body, "\"error\": \"request:1: not valid JSON: "));
	free(s.body);
	expect(call(post("StartVm", "", "\x0a\x09z")), 400, "application/octet-stream",
	       "\x0a\x1amalformed protobuf message", 28);
}

static void test_bodies_over_the_limit(void)
{
	char body[102];
	struct rpc_request r = post("StartVm", "json", "");

	memset(body, ' ', sizeof(body));
	body[0] = '{';
	body[1] = '}';
	r.body = body;
	r.n_body = 100;
	expect_json(call(r), 200, "null");
	r.n_body = 101;
	expect_json(call(r), 400, "{\n  \"error\": \"failed to read data: payload too large\"\n}");
}

static void test_refusal_before_dispatch(void)
{
	struct rpc_request r = post("StartVm", "json", "");
	struct seen s = { .body = NULL };

	rpc_refuse(&r, RPC_TOO_LARGE, done, &s);
	expect_json(s, 400, "{\n  \"error\": \"failed to read data: payload too large\"\n}");
	r.query = NULL;
	r.content_type = "application/json"; /* not asked, as in dstack */
	rpc_refuse(&r, "no", done, &s);
	expect(s, 400, "application/octet-stream", "\x0a\x02no", 4);
	s.n_answers = 0;
	rpc_refuse_caller(&r, 403, "no", done, &s);
	expect_json(s, 403, "{\n  \"error\": \"no\"\n}");
}

static void test_table_is_held_against_the_proto(void)
{
	struct rpc_method wrong[] = {
		{ "StartVm", &bailey__empty__descriptor, &bailey__empty__descriptor, start, true,
		  0 },
	};
	struct rpc_service other = { "Vmm", NULL, wrong, 1, NULL, false };
	struct err e = ERR_NONE;

	assert(rpc_check(&service, &bailey__vmm__vmm__descriptor, &e) == 0);
	assert(rpc_check(&other, &bailey__vmm__vmm__descriptor, &e) == ERR_INPUT);
	wrong[0].name = "Nope";
	assert(rpc_check(&other, &bailey__vmm__vmm__descriptor, &e) == ERR_INPUT);
	wrong[0].name = "StartVm";
	wrong[0].in = &bailey__id__descriptor;
	assert(rpc_check(&other, &bailey__vmm__vmm__descriptor, &e) == 0);
	wrong[0].run = NULL;
	assert(rpc_check(&other, &bailey__vmm__vmm__descriptor, &e) == ERR_INPUT);
}

int main(void)
{
	test_json_when_asked_for();
	test_json_call();
	test_binary_call();
	test_get_takes_its_arguments_from_the_query();
	test_get_changes_nothing();
	test_a_reader_only_reads();
	test_each_call_is_observed_once();
	test_an_answer_may_come_later();
	test_prefixes_are_stripped();
	test_unknown_methods();
	test_failures_are_ascii_and_indented();
	test_arguments_that_do_not_decode();
	test_bodies_over_the_limit();
	test_refusal_before_dispatch();
	test_table_is_held_against_the_proto();
	return 0;
}
