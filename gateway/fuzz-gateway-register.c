/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-gateway-register: input is registrations, one after the other, each: a byte (who: 2 bits, of two apps; 4: protobuf, else
 * JSON), two bytes of its body's length, the body.  Whatever they say, key, address and id are each of one
 * instance, whose app is that of the certificate it came with; and what is written down reads as the same.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rd.h"
#include "base/str.h"
#include "gateway/register_request.h"
#include "gateway/registry.h"
#include "gateway/registry_file.h"
#include "rpc/rpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { ASKERS = 4, IS_PROTOBUF = 4 };

static const struct registry_options options = { .first = 0x0a080001,
						 .last = 0x0a080004,
						 .own = 0x0a080001,
						 .own_key = { 9 },
						 .most = 12,
						 .most_per_app = 2 };

struct asking {
	struct registry *registry;
	struct register_asker asker;
	unsigned int n_answers;
};

static void make_asker(unsigned int who, struct register_asker *ret)
{
	memset(ret, 0, sizeof(*ret));
	memset(ret->id, '0' + (int)who, 2UL * REGISTRY_ID);
	memset(ret->app_id, who < 2 ? 'a' : 'b', 2UL * REGISTRY_ID);
	memset(ret->compose_hash, 'c', 2UL * REGISTRY_DIGEST);
}

static void run(struct rpc_call *call, void *ctx, const ProtobufCMessage *in)
{
	static const Bailey__Gateway__RegisterCvmResponse done =
		BAILEY__GATEWAY__REGISTER_CVM_RESPONSE__INIT;
	struct asking *a = ctx;
	static const struct register_time now = { 1000, 5 };
	struct registry_instance planned;
	enum registry_change change;
	struct err e = ERR_NONE;

	if (register_request_plan(a->registry, &a->asker, (const void *)in, &now, &planned, &change,
				  &e) < 0) {
		assert(e.text[0]);
		rpc_fail(call, &e);
		return;
	}
	assert(registry_put(a->registry, &planned, &e) == 0); /* what was planned can be made */
	rpc_reply(call, &done.base);
}

static const struct rpc_method methods[] = {
	{ "RegisterCvm", &bailey__gateway__register_cvm_request__descriptor,
	  &bailey__gateway__register_cvm_response__descriptor, run, true, 0 },
};

static const struct rpc_service service = { .name = "Gateway", .methods = methods, .n_methods = 1 };

static void answered(void *arg, int status, const char *type, const void *body, size_t n)
{
	struct asking *a = arg;

	(void)type;
	(void)body;
	(void)n;
	assert(status == 200 || status == 400);
	a->n_answers++;
}

static void ask(struct asking *a, uint8_t flags, const uint8_t *p, size_t n)
{
	const struct rpc_request r = { .method = "RegisterCvm",
				       .query = flags & IS_PROTOBUF ? "" : "json",
				       .body = p,
				       .n_body = n };
	const struct rpc_peer who = { .kind = RPC_PEER_ANYONE };

	make_asker(flags % ASKERS, &a->asker);
	a->n_answers = 0;
	rpc_dispatch(&service, a, &who, &r, answered, a);
	assert(a->n_answers == 1);
}

static void check(const struct registry *r)
{
	auto_buf struct buf text = BUF_MAX(1 << 20), again = BUF_MAX(1 << 20);
	struct registry *same = registry_new(&options);
	struct err e = ERR_NONE;
	size_t i, j, dropped = 0;

	for (i = 0; i < registry_count(r); i++) {
		const struct registry_instance *x = registry_at(r, i), *y;

		assert(x->app_id[0] == (x->id[0] < '2' ? 'a' : 'b'));
		assert(x->address > options.own && x->address <= options.last);
		for (j = 0; j < i; j++) {
			y = registry_at(r, j);
			assert(x->address != y->address && strcmp(x->id, y->id) != 0);
			assert(memcmp(x->key, y->key, REGISTRY_KEY) != 0);
		}
		assert(memcmp(x->key, options.own_key, REGISTRY_KEY) != 0);
		assert(registry_line_write(x, &text) == 0);
	}
	assert(registry_text_read((const char *)text.p, text.n, same, &dropped, &e) == 0);
	assert(dropped == 0 && registry_count(same) == registry_count(r));
	for (i = 0; i < registry_count(same); i++)
		assert(registry_line_write(registry_at(same, i), &again) == 0);
	assert(again.n == text.n && (!text.n || memcmp(again.p, text.p, text.n) == 0));
	registry_free(same);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct asking a = { .registry = registry_new(&options) };
	struct rd r = rd_over(p, n);
	const uint8_t *body;
	uint8_t flags;
	size_t size;

	while (rd_left(&r) >= 3) {
		flags = rd_u8(&r);
		size = rd_be16(&r);
		if (size > rd_left(&r))
			size = rd_left(&r);
		body = rd_take(&r, size);
		ask(&a, flags, body, size);
	}
	check(a.registry);
	registry_free(a.registry);
	return 0;
}
