/* SPDX-License-Identifier: Apache-2.0 */
/* test-guest_api: both services against their .proto and against what hosts and SDKs read */
#include "guest-stub/guest_api.h"

#include <assert.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "guest-stub/about.h"
#include "guest-stub/app_api.h"
#include "guest-stub/attest.h"
#include "guest-stub/worker_api.h"
#include "proto/agent.pb-c.h"
#include "proto/guest.pb-c.h"

static char tcb[] = "{\"a\":1}";
static char no_provider[] = "{\"name\":\"none\",\"id\":\"\"}";

static struct about an_app(void)
{
	struct about a = { .app_name = "app",
			   .tee = "none",
			   .vm_config = "{}",
			   .tcb_info = tcb,
			   .key_provider = no_provider,
			   .app_id = { { 0xab, 0xcd }, 2 },
			   .public_tcbinfo = true };

	(void)str_copy(a.product, sizeof(a.product), "dstack");
	return a;
}

struct reply {
	int status;
	json_t *j;
};

static void take(void *arg, int status, const char *content_type, const void *body, size_t n)
{
	struct reply *r = arg;

	assert(str_equal(content_type, "application/json"));
	r->status = status;
	assert(json_parse(body, n, 1 << 20, "reply", &r->j, NULL) == 0);
}

static struct reply call(const struct rpc_service *s, void *ctx, const char *method)
{
	const struct rpc_peer peer = { .kind = RPC_PEER_HOST };
	const struct rpc_request q = { .method = method, .query = "json", .body = "", .n_body = 0 };
	struct reply r = { 0 };

	rpc_dispatch(s, ctx, &peer, &q, take, &r);
	return r;
}

static void test_tables_are_the_protos(void)
{
	struct err e = ERR_NONE;

	assert(rpc_check(&guest_api_service, &bailey__guest__guest_api__descriptor, &e) == 0);
	assert(rpc_check(&worker_api_service, &bailey__agent__worker__descriptor, &e) == 0);
	assert(rpc_check(&app_api_dstack, &bailey__agent__dstack_guest__descriptor, &e) == 0);
	assert(rpc_check(&app_api_tappd, &bailey__agent__tappd__descriptor, &e) == 0);
}

static void test_info_hides_what_is_not_public(void)
{
	struct about a = an_app();
	struct guest_api g = { .about = &a };
	struct attest t = { .about = &a };
	struct reply r = call(&guest_api_service, &g, "Info");

	assert(r.status == 200 && str_equal(json_get_str(r.j, "app_id", ""), "abcd"));
	assert(str_equal(json_get_str(r.j, "tcb_info", ""), tcb));
	json_decref(r.j);
	a.public_tcbinfo = false;
	r = call(&guest_api_service, &g, "Info");
	assert(str_equal(json_get_str(r.j, "tcb_info", "x"), ""));
	json_decref(r.j);
	r = call(&worker_api_service, &t, "Worker.Info");
	assert(str_equal(json_get_str(r.j, "tcb_info", "x"), ""));
	assert(str_equal(json_get_str(r.j, "vm_config", "x"), ""));
	assert(str_equal(json_get_str(r.j, "cloud_product", "x"), "dstack"));
	assert(str_equal(json_get_str(r.j, "key_provider_info", ""),
			 "{\"name\":\"none\",\"id\":\"\"}"));
	json_decref(r.j);
}

static void test_version_is_what_sdks_probe(void)
{
	struct about a = an_app();
	struct attest t = { .about = &a };
	struct reply r = call(&worker_api_service, &t, "Version");

	assert(str_equal(json_get_str(r.j, "version", ""), "0.6.0"));
	json_decref(r.j);
}

static void test_machine_of_the_test_is_described(void)
{
	struct about a = an_app();
	struct guest_api g = { .about = &a };
	struct reply r = call(&guest_api_service, &g, "SysInfo");

	assert(r.status == 200 && json_get_u64(r.j, "num_cpus", 0) > 0);
	assert(json_get_u64(r.j, "total_memory", 0) > json_get_u64(r.j, "free_memory", 0));
	json_decref(r.j);
	r = call(&guest_api_service, &g, "NetworkInfo");
	assert(r.status == 200 && json_is_array(json_object_get(r.j, "interfaces")));
	json_decref(r.j);
	r = call(&guest_api_service, &g, "ListContainers");
	assert(r.status == 200 && json_array_size(json_object_get(r.j, "containers")) == 0);
	json_decref(r.j);
}

static void count(void *arg)
{
	++*(int *)arg;
}

static void test_shutdown_answers_null_and_tells_once(void)
{
	struct about a = an_app();
	int asked = 0;
	struct guest_api g = { .about = &a, .shutdown = count, .arg = &asked };
	const struct rpc_peer peer = { .kind = RPC_PEER_HOST };
	const struct rpc_request q = {
		.method = "Shutdown", .query = "json", .body = "{}", .n_body = 2
	};
	struct reply r = { 0 };

	rpc_dispatch(&guest_api_service, &g, &peer, &q, take, &r);
	assert(r.status == 200 && json_is_null(r.j) && asked == 1);
	json_decref(r.j);
}

static void test_unknown_method_is_dstacks_error(void)
{
	struct about a = an_app();
	struct attest t = { .about = &a };
	struct reply r = call(&worker_api_service, &t, "Shutdown");

	assert(r.status == 400);
	assert(str_equal(json_get_str(r.j, "error", ""), "Service not found: Shutdown"));
	json_decref(r.j);
}

int main(void)
{
	test_tables_are_the_protos();
	test_info_hides_what_is_not_public();
	test_version_is_what_sdks_probe();
	test_machine_of_the_test_is_described();
	test_shutdown_answers_null_and_tells_once();
	test_unknown_method_is_dstacks_error();
	return 0;
}
