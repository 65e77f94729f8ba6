/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "gateway/overrides.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "gateway/admin_calls.h"
#include "gateway/register_rpc.h"
#include "gateway/registry.h"
#include "gateway/registry_file.h"

#define APP "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0"

enum { FIRST = 0x0a080001, MANY = 500 };

static const struct registry_options options = {
	.first = FIRST, .last = FIRST + 100, .own = FIRST, .most = 100, .most_per_app = 100
};
/* an instance of before does not fit here */
static const struct registry_options elsewhere = { .first = FIRST + 0x10000,
						   .last = FIRST + 0x10100,
						   .own = FIRST + 0x10000,
						   .most = 100,
						   .most_per_app = 100 };

static struct override said(unsigned int n, bool is_drained, bool is_known)
{
	struct override o = { .is_drained = is_drained, .policy = { .is_known = is_known } };

	assert(str_format(o.id, sizeof(o.id), "%040x", n) == 40);
	o.key[0] = (uint8_t)(is_drained ? n : 0);
	if (is_known) {
		o.policy.is_restricted = true;
		o.policy.ports[o.policy.n++] = (struct route_port){ (uint16_t)(80 + n), true };
	}
	return o;
}

static struct registry_instance instance(unsigned int n, const struct registry_options *of)
{
	struct registry_instance in = { .app_id = APP,
					.key = { (uint8_t)n },
					.address = of->first + n,
					.has_tunnel = true,
					.policy = { .is_known = true } };

	assert(str_format(in.id, sizeof(in.id), "%040x", n) == 40);
	return in;
}

static void test_what_was_said_is_found_until_it_is_taken_back(void)
{
	struct overrides o = { .n = 0 };
	struct err e = ERR_NONE;
	struct override one;
	unsigned int i;

	for (i = 0; i < MANY; i++) {
		one = said((i * 7) % MANY, i % 2, true);
		assert(overrides_put(&o, &one, &e) == 0);
	}
	assert(o.n == MANY);
	for (i = 1; i < o.n; i++)
		assert(strcmp(o.list[i - 1]->id, o.list[i]->id) < 0);
	one = said(3, false, false);
	assert(overrides_put(&o, &one, &e) == 0 && o.n == MANY - 1);
	assert(!overrides_find(&o, one.id));
	overrides_remove(&o, one.id);
	overrides_remove(&o, said(4, false, false).id);
	assert(o.n == MANY - 2 && overrides_find(&o, said(5, false, false).id));
	overrides_deinit(&o);
	overrides_deinit(&o);
}

static void test_there_is_a_limit(void)
{
	struct overrides o = { .n = 0 };
	struct err e = ERR_NONE;
	struct override one;
	unsigned int i;

	for (i = 0; i < OVERRIDES_MAX; i++) {
		one = said(i, true, false);
		assert(overrides_put(&o, &one, &e) == 0);
	}
	one = said(i, true, false);
	assert(overrides_put(&o, &one, &e) == ERR_LIMIT && o.n == OVERRIDES_MAX);
	one = said(7, false, true);
	assert(overrides_put(&o, &one, &e) == 0 && o.n == OVERRIDES_MAX);
	overrides_deinit(&o);
}

/* What clients are brought by. */
static struct route_target target(struct registry *r, const char *id, struct route_policy *ret)
{
	struct routes_builder *b = routes_builder_new(NULL);
	struct routes *routes = NULL;
	struct route_target t;
	struct err e = ERR_NONE;
	struct route_app app;

	assert(registry_add_routes(r, b, &e) == 0);
	assert(routes_builder_finish(b, &routes, &e) == 0);
	assert(routes_find(routes, id, strlen(id), &app) && app.n == 1);
	t = app.targets[0];
	*ret = *t.policy;
	routes_free(routes);
	return t;
}

static void test_it_is_stronger_than_what_the_instance_says(void)
{
	struct registry *r = registry_new(&options);
	struct registry_instance in = instance(1, &options);
	struct override o = said(1, true, true);
	struct route_policy counts;
	struct err e = ERR_NONE;

	assert(registry_put(r, &in, &e) == 0);
	assert(target(r, in.id, &counts).is_ready && !counts.is_restricted);
	assert(str_equal(admin_policy_source(registry_override(r, in.id), &in), "instance"));
	assert(overrides_put(registry_overrides(r), &o, &e) == 0);
	assert(!target(r, in.id, &counts).is_ready && route_policy_is_same(&counts, &o.policy));
	assert(str_equal(admin_policy_source(registry_override(r, in.id), &in), "admin"));
	in.key[1] = 1; /* it started anew */
	in.policy.is_known = false;
	assert(registry_put(r, &in, &e) == 0);
	assert(target(r, in.id, &counts).is_ready && route_policy_is_same(&counts, &o.policy));
	assert(registry_remove(r, in.id) && registry_override(r, in.id));
	registry_forget(r, in.id);
	assert(!registry_override(r, in.id));
	assert(str_equal(admin_policy_source(NULL, &in), "none"));
	registry_free(r);
}

static void test_it_outlives_the_process_and_the_address(void)
{
	struct registry *r = registry_new(&options), *again = registry_new(&elsewhere);
	struct registry_file f = REGISTRY_FILE_NULL;
	struct registry_instance in = instance(1, &options);
	struct override o = said(1, true, true), other = said(2, true, false);
	char folder[64] = "/tmp/test-overrides-XXXXXX", path[80];
	struct err e = ERR_NONE;
	size_t dropped;

	assert(mkdtemp(folder) && str_format(path, sizeof(path), "%s/instances", folder) > 0);
	assert(registry_file_open(&f, folder, r, &dropped, &e) == 0);
	assert(registry_file_put(&f, &in, &e) == 0);
	assert(registry_file_override(&f, &o, &e) == 0);
	assert(registry_file_override(&f, &other, &e) == 0);
	other.is_drained = false;
	assert(registry_file_override(&f, &other, &e) == 0);
	registry_file_close(&f);
	assert(registry_file_open(&f, folder, again, &dropped, &e) == 0 && dropped == 1);
	assert(registry_overrides(again)->n == 1);
	assert(memcmp(registry_override(again, o.id), &o, sizeof(o)) == 0);
	registry_file_close(&f);
	registry_free(r);
	r = registry_new(&options); /* it was written down anew when it was read */
	assert(registry_file_open(&f, folder, r, &dropped, &e) == 0);
	assert(registry_override(r, o.id) && registry_file_gone(&f, o.id, &e) == 0);
	registry_file_close(&f);
	registry_free(again);
	again = registry_new(&options);
	assert(registry_file_open(&f, folder, again, &dropped, &e) == 0);
	assert(registry_overrides(again)->n == 0);
	registry_file_close(&f);
	registry_free(r);
	registry_free(again);
	assert(unlink(path) == 0 && rmdir(folder) == 0);
}

#define KEY  "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define ID   "0000000000000000000000000000000000000001"
#define LINE "{\"override\":\"" ID "\",\"drained\":"

static void test_lines_that_nobody_wrote_are_refused(void)
{
	static const char *const bad[] = {
		LINE "null,\"restrict\":false}\n",
		LINE "1,\"restrict\":false,\"ports\":null}\n",
		LINE "\"x\",\"restrict\":false,\"ports\":null}\n",
		LINE "\"" KEY "\",\"restrict\":0,\"ports\":null}\n",
		LINE "\"" KEY "\",\"restrict\":true,\"ports\":[80]}\n",
		LINE "\"" KEY "\",\"restrict\":true,\"ports\":null,\"more\":1}\n",
		"{\"override\":\"../x\",\"drained\":null,\"restrict\":true,\"ports\":[]}\n",
		"{\"override\":1,\"drained\":null,\"restrict\":true,\"ports\":[]}\n",
		"{\"override\":\"" ID "0\",\"drained\":null,\"restrict\":true,\"ports\":[]}\n",
	};
	size_t i, dropped = 0;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct registry *r = registry_new(&options);
		struct err e = ERR_NONE;

		assert(registry_text_read(bad[i], strlen(bad[i]), r, &dropped, &e) == ERR_CORRUPT);
		assert(str_starts(e.text, "line 1") && registry_overrides(r)->n == 0);
		registry_free(r);
	}
}

static void test_calls_are_those_of_the_proto(void)
{
	struct err e = ERR_NONE;

	assert(rpc_check(&admin_service, &bailey__gateway__admin__descriptor, &e) == 0);
	assert(rpc_check(&register_service, &bailey__gateway__gateway__descriptor, &e) == 0);
	assert(register_service.n_methods == bailey__gateway__gateway__descriptor.n_methods);
	assert(admin_service.n_methods == bailey__gateway__admin__descriptor.n_methods);
}

int main(void)
{
	test_what_was_said_is_found_until_it_is_taken_back();
	test_there_is_a_limit();
	test_it_is_stronger_than_what_the_instance_says();
	test_it_outlives_the_process_and_the_address();
	test_lines_that_nobody_wrote_are_refused();
	test_calls_are_those_of_the_proto();
	return 0;
}
