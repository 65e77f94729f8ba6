/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: one byte of flags (1: GET, 2: content type JSON), then method, query and body, each ended by
 * a newline but the last.  Property: each call is answered exactly once, with 200 or 400, and JSON
 * answers are ASCII that parses.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "proto/common.pb-c.h"
#include "proto/vmm.pb-c.h"
#include "rpc/rpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static unsigned int n_answers;

static void echo(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	(void)ctx;
	rpc_reply(call, in);
}

static void fail(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	struct err e = ERR_NONE;

	(void)ctx;
	(void)err_set(&e, ERR_NOT_FOUND, "no %s", ((const Bailey__Id *)in)->id);
	rpc_fail(call, &e);
}

#define BOTH(type) &bailey__##type##__descriptor, &bailey__##type##__descriptor

static const struct rpc_method methods[] = {
	{ "C", BOTH(vmm__vm_configuration), echo, true, 0 },
	{ "S", BOTH(vmm__status_request), echo, false, 64 },
	{ "E", BOTH(empty), echo, false, 0 },
	{ "F", BOTH(id), fail, true, 0 },
};
static const struct rpc_service service = { "Fuzz", "T.", methods, 4, NULL, false };

static void done(void *arg, int status, const char *type, const void *body, size_t n)
{
	const struct rpc_request *r = arg;
	const uint8_t *p = body;
	struct err e = ERR_NONE;
	json_auto_t *j = NULL;
	size_t i;

	n_answers++;
	assert(status == 200 || status == 400 || status == 405);
	if (rpc_encoding_of(r) == RPC_PROTOBUF) {
		assert(strcmp(type, "application/octet-stream") == 0);
		return;
	}
	assert(strcmp(type, "application/json") == 0);
	for (i = 0; i < n; i++)
		assert(p[i] < 0x80);
	assert(json_parse(body, n, SIZE_MAX, "answer", &j, &e) == 0);
	assert((status != 200) == (json_get_str(j, "error", NULL) != NULL));
}

/* The text up to the next newline. */
static char *cut(char **rest)
{
	char *text = strsep(rest, "\n");

	return text ? text : *rest;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct rpc_peer peer = { .kind = RPC_PEER_GUEST, .vm_id = "x" };
	auto_free char *text = NULL;
	struct rpc_request r = { .is_get = false };
	char *rest;

	if (n < 1)
		return 0;
	text = xcalloc(1, n);
	memcpy(text, p + 1, n - 1);
	rest = text;
	r.is_get = p[0] & 1;
	r.content_type = p[0] & 2 ? "application/json" : NULL;
	r.method = cut(&rest);
	r.query = rest ? cut(&rest) : NULL;
	r.body = rest;
	r.n_body = rest ? n - 1 - (size_t)(rest - text) : 0;
	n_answers = 0;
	rpc_dispatch(&service, NULL, &peer, &r, done, &r);
	assert(n_answers == 1);
	return 0;
}
