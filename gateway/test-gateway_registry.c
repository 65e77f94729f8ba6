/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "gateway/registry.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

#define APP_A "a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0"
#define APP_B "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
#define HASH  "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HASH2 "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

enum { FIRST = 0x0a080001, ROOM = 6 };

static const struct registry_options options = { .first = FIRST,
						 .last = FIRST + ROOM - 1,
						 .own = FIRST,
						 .own_key = { 9 },
						 .most = 100,
						 .most_per_app = 4 };

static char key_text[64], id_text[64];

static const char *key(uint8_t first)
{
	auto_buf struct buf b = BUF_MAX(64);
	uint8_t k[REGISTRY_KEY] = { first };

	assert(base64_encode(&b, k, sizeof(k)) == 0);
	assert(str_copy(key_text, sizeof(key_text), (const char *)b.p) > 0);
	return key_text;
}

static const char *id(unsigned int n)
{
	assert(str_format(id_text, sizeof(id_text), "%040x", n) == 40);
	return id_text;
}

static struct registry_request request(const char *instance, const char *app, const char *k)
{
	return (struct registry_request){ .id = instance,
					  .app_id = app,
					  .compose_hash = HASH,
					  .key = k,
					  .now_s = 1000,
					  .now_ms = 5 };
}

static int go(struct registry *r, const struct registry_request *q, enum registry_change *change,
	      struct err *e)
{
	struct registry_instance in;
	int rc = registry_plan(r, q, &in, change, e);

	return rc ? rc : registry_put(r, &in, e);
}

static enum registry_change must(struct registry *r, const struct registry_request *q)
{
	enum registry_change change = REGISTRY_SAME;
	struct err e = ERR_NONE;

	assert(go(r, q, &change, &e) == 0);
	return change;
}

static void refused(struct registry *r, const struct registry_request *q, int code,
		    const char *text)
{
	enum registry_change change;
	struct err e = ERR_NONE;
	size_t n = registry_count(r);

	assert(go(r, q, &change, &e) == code && code < 0);
	assert(str_equal(e.text, text));
	assert(registry_count(r) == n);
}

static struct registry_request plain(unsigned int n)
{
	return request(id(n), APP_A, key((uint8_t)n));
}

static void test_addresses_are_given_from_below_and_kept(void)
{
	struct registry *r = registry_new(&options);
	struct registry_request q = plain(1);

	assert(must(r, &q) == REGISTRY_NEW);
	q = plain(2);
	assert(must(r, &q) == REGISTRY_NEW);
	assert(registry_find(r, id(1))->address == FIRST + 1); /* the first is the gateway's */
	assert(registry_find(r, id(2))->address == FIRST + 2);
	q = plain(1);
	q.now_s = 2000;
	assert(must(r, &q) == REGISTRY_SAME);
	assert(registry_find(r, id(1))->address == FIRST + 1);
	assert(registry_find(r, id(1))->reg_time == 1000);
	assert(registry_count(r) == 2 && !registry_find(r, id(3)));
	registry_free(r);
}

static void test_an_address_that_was_freed_is_given_again(void)
{
	struct registry *r = registry_new(&options);
	struct registry_request q;
	unsigned int i;

	for (i = 1; i <= 4; i++) {
		q = plain(i);
		(void)must(r, &q);
	}
	assert(registry_remove(r, id(2)) && !registry_remove(r, id(2)));
	q = request(id(7), APP_B, key(2)); /* its key is free, too */
	assert(must(r, &q) == REGISTRY_NEW);
	assert(registry_find(r, id(7))->address == FIRST + 2);
	registry_free(r);
}

static void test_a_range_that_is_used_up_is_said(void)
{
	struct registry *r = registry_new(&options);
	struct registry_request q;
	unsigned int i;

	for (i = 1; i < ROOM; i++) {
		q = request(id(i), i < 4 ? APP_A : APP_B, key((uint8_t)i));
		(void)must(r, &q);
	}
	q = request(id(20), APP_B, key(20));
	refused(r, &q, ERR_LIMIT, "IP pool exhausted, no available addresses in client_ip_range");
	assert(registry_remove(r, id(3)));
	q = request(id(20), APP_B, key(20));
	assert(must(r, &q) == REGISTRY_NEW && registry_find(r, id(20))->address == FIRST + 3);
	registry_free(r);
}

static void test_nobody_takes_what_is_anothers(void)
{
	struct registry *r = registry_new(&options);
	struct registry_request q = plain(1);

	(void)must(r, &q);
	q = request(id(2), APP_A, key(1));
	refused(r, &q, ERR_CONFLICT,
		"WireGuard public key is already registered to another instance");
	q = request(id(1), APP_B, key(3));
	refused(r, &q, ERR_CONFLICT, "instance_id is already registered to a different app");
	q = request(id(2), APP_A, key(9));
	refused(r, &q, ERR_INPUT, "client_public_key is not an instance's: it is the gateway's");
	q = plain(2);
	(void)must(r, &q);
	q = request(id(2), APP_A, key(1)); /* neither by a change of key */
	refused(r, &q, ERR_CONFLICT,
		"WireGuard public key is already registered to another instance");
	registry_free(r);
}

static void test_words_that_are_no_ids_or_keys_are_refused(void)
{
	static const char *const keys[] = {
		"",
		"AAAA",
		"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=",
		"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
		"-_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
	};
	struct registry *r = registry_new(&options);
	struct registry_request q = request(id(1), "", key(1));
	size_t i;

	refused(r, &q, ERR_INPUT, "[0000000000000000000000000000000000000001] app id is empty");
	q = request("", APP_A, key(1));
	refused(r, &q, ERR_INPUT, "[] instance id is empty");
	q = request("A000000000000000000000000000000000000001", APP_A, key(1));
	refused(r, &q, ERR_INPUT, "an app's and an instance's id are 20 bytes each");
	q = request(id(1), "a0", key(1));
	refused(r, &q, ERR_INPUT, "an app's and an instance's id are 20 bytes each");
	q = plain(1);
	q.compose_hash = "00";
	refused(r, &q, ERR_INPUT, "a compose hash is 32 bytes");
	q = request(id(1), APP_A, key(0));
	refused(r, &q, ERR_INPUT, "client_public_key is not an instance's: it is all zero");
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		q = request(id(1), APP_A, keys[i]);
		refused(r, &q, ERR_INPUT,
			"client_public_key is not a WireGuard key: base64 of 32 bytes");
	}
	registry_free(r);
}

static void test_an_app_has_a_limit_of_its_own(void)
{
	struct registry *r = registry_new(&options);
	struct registry_request q;
	unsigned int i;

	for (i = 1; i <= 4; i++) {
		q = plain(i);
		(void)must(r, &q);
	}
	q = plain(5);
	refused(r, &q, ERR_LIMIT, "the app has 4 instances here, which is the limit");
	q = plain(4); /* who is there may come again */
	assert(must(r, &q) == REGISTRY_SAME);
	q = request(id(5), APP_B, key(5));
	assert(must(r, &q) == REGISTRY_NEW);
	registry_free(r);
}

static void test_all_of_them_have_a_limit(void)
{
	struct registry_options o = options;
	struct registry *r;
	struct registry_request q = plain(1);

	o.most = 1;
	r = registry_new(&o);
	(void)must(r, &q);
	q = plain(2);
	refused(r, &q, ERR_LIMIT, "the gateway has 1 instances, which is its limit");
	registry_free(r);
}

static void test_another_key_needs_its_tunnel_anew(void)
{
	struct registry *r = registry_new(&options);
	struct registry_request q = plain(1);
	uint8_t old[REGISTRY_KEY] = { 1 };

	(void)must(r, &q);
	registry_set_tunnel(r, id(1), old, 7);
	assert(registry_find(r, id(1))->has_tunnel);
	q = plain(1);
	assert(must(r, &q) == REGISTRY_SAME && registry_find(r, id(1))->has_tunnel);
	q = request(id(1), APP_A, key(7));
	q.now_s = 3000;
	assert(must(r, &q) == REGISTRY_KEY_OTHER);
	assert(!registry_find(r, id(1))->has_tunnel);
	assert(registry_find(r, id(1))->reg_time == 3000);
	assert(registry_find(r, id(1))->address == FIRST + 1);
	registry_set_tunnel(r, id(1), old, 7); /* the news of the old one comes late */
	assert(!registry_find(r, id(1))->has_tunnel);
	q = request(id(2), APP_B, key(1)); /* the old key is nobody's */
	assert(must(r, &q) == REGISTRY_NEW);
	registry_free(r);
}

static void test_a_policy_lasts_as_long_as_its_compose(void)
{
	struct registry *r = registry_new(&options);
	struct route_policy policy = {
		.is_known = true, .is_restricted = true, .n = 1, .ports = { { 8080, true } }
	};
	struct registry_request q = plain(1);
	bool wants = false;

	q.policy = &policy;
	(void)must(r, &q);
	q = plain(1); /* says nothing of ports */
	assert(must(r, &q) == REGISTRY_SAME);
	assert(route_policy_allows(&registry_find(r, id(1))->policy, 8080, &wants) && wants);
	q = plain(1);
	q.compose_hash = HASH2;
	assert(must(r, &q) == REGISTRY_POLICY);
	assert(!registry_find(r, id(1))->policy.is_known);
	assert(!route_policy_allows(&registry_find(r, id(1))->policy, 8080, &wants));
	q = plain(1);
	q.compose_hash = HASH2;
	policy.ports[0].port = 9;
	q.policy = &policy;
	assert(must(r, &q) == REGISTRY_POLICY);
	assert(registry_find(r, id(1))->policy.ports[0].port == 9);
	registry_free(r);
}

static void test_who_has_a_tunnel_gets_clients(void)
{
	struct registry *r = registry_new(&options);
	struct routes_builder *b = routes_builder_new(NULL);
	struct registry_request q = plain(1);
	struct routes *routes = NULL;
	struct err e = ERR_NONE;
	struct route_app app;

	(void)must(r, &q);
	registry_set_tunnel(r, id(1), (const uint8_t[REGISTRY_KEY]){ 1 }, 7);
	q = plain(2);
	(void)must(r, &q);
	assert(registry_add_routes(r, b, &e) == 0);
	assert(routes_builder_finish(b, &routes, &e) == 0);
	assert(routes_find(routes, APP_A, strlen(APP_A), &app) && app.n == 2);
	assert(app.targets[0].is_ready + app.targets[1].is_ready == 1);
	assert(routes_find(routes, id(1), 40, &app) && app.n == 1 && app.targets[0].is_ready);
	assert(memcmp(app.targets[0].address, "\x0a\x08\x00\x02", 4) == 0);
	routes_free(routes);
	registry_free(r);
}

static bool is_ready(const struct registry *r, unsigned int n)
{
	struct routes_builder *b = routes_builder_new(NULL);
	struct routes *routes = NULL;
	struct err e = ERR_NONE;
	struct route_app app;
	bool is;

	assert(registry_add_routes(r, b, &e) == 0);
	assert(routes_builder_finish(b, &routes, &e) == 0);
	assert(routes_find(routes, id(n), 40, &app) && app.n == 1);
	is = app.targets[0].is_ready;
	routes_free(routes);
	return is;
}

static void test_who_is_not_ready_gets_none_until_it_says_so(void)
{
	struct registry *r = registry_new(&options);
	struct registry_request q = plain(1);

	q.is_held = true;
	assert(must(r, &q) == REGISTRY_NEW);
	registry_set_tunnel(r, id(1), (const uint8_t[REGISTRY_KEY]){ 1 }, 7);
	assert(!is_ready(r, 1));
	q = plain(1);
	q.is_held = true;
	assert(must(r, &q) == REGISTRY_SAME);
	q = plain(1);
	assert(must(r, &q) == REGISTRY_POLICY && is_ready(r, 1));
	q = plain(1); /* it is about to stop */
	q.is_held = true;
	assert(must(r, &q) == REGISTRY_POLICY && !is_ready(r, 1));
	assert(registry_find(r, id(1))->has_tunnel);
	registry_free(r);
}

static void test_a_tunnel_without_handshakes_is_silent(void)
{
	static const uint8_t key1[REGISTRY_KEY] = { 1 }, key2[REGISTRY_KEY] = { 2 };
	struct registry *r = registry_new(&options);
	struct registry_request q = plain(1);
	size_t n = 9;

	(void)must(r, &q);
	q = plain(2);
	(void)must(r, &q);
	assert(!registry_judge(r, 5000, 100, &n) && n == 0); /* there is none yet */
	registry_set_tunnel(r, id(1), key1, 1000);
	registry_set_tunnel(r, id(2), key2, 1000);
	assert(!registry_judge(r, 1100, 100, &n) && n == 0);
	registry_set_handshake(r, key2, 1700000000, 1050);
	assert(registry_judge(r, 1101, 100, &n) && n == 1);
	assert(registry_find(r, id(1))->is_silent && !registry_find(r, id(2))->is_silent);
	registry_set_handshake(r, key2, 1700000000, 1140); /* the same as before is no news */
	assert(registry_judge(r, 1151, 100, &n) && n == 2);
	assert(!registry_judge(r, 1152, 100, &n) && n == 2);
	registry_set_handshake(r, key2, 0, 1160); /* nor is none */
	assert(!registry_judge(r, 1160, 100, &n));
	q = plain(2); /* nor is to register again */
	assert(must(r, &q) == REGISTRY_SAME && registry_find(r, id(2))->is_silent);
	registry_set_handshake(r, key2, 1600000000, 1170); /* whatever the clock says: another is */
	assert(registry_judge(r, 1170, 100, &n) && n == 1);
	registry_assume_tunnels(r, 2000);
	assert(registry_judge(r, 2000, 100, &n) && n == 0);
	registry_free(r);
}

static void test_many_stay_unique(void)
{
	const struct registry_options o = { .first = FIRST,
					    .last = FIRST + 4095,
					    .own = FIRST,
					    .most = 4000,
					    .most_per_app = 4000 };
	struct registry *r = registry_new(&o);
	struct registry_instance in;
	struct err e = ERR_NONE;
	unsigned int i, x = 1;

	for (i = 0; i < 4000; i++) {
		x = x * 1664525 + 1013904223;
		in = (struct registry_instance){ .address = FIRST + 1 + i, .app_id = APP_A };
		assert(str_copy(in.id, sizeof(in.id), id(x)) == 40);
		memcpy(in.key, &x, sizeof(x));
		assert(registry_put(r, &in, &e) == 0);
	}
	for (i = 1; i < 4000; i++)
		assert(strcmp(registry_at(r, i - 1)->id, registry_at(r, i)->id) < 0);
	in.address++;
	assert(registry_put(r, &in, &e) == 0); /* moves */
	in.address--;
	assert(registry_put(r, &in, &e) == 0);
	in.address--;
	assert(registry_put(r, &in, &e) == ERR_CONFLICT);
	in.address = FIRST;
	assert(registry_put(r, &in, &e) == ERR_INPUT);
	while (registry_count(r) > 0) {
		struct registry_instance first = *registry_at(r, registry_count(r) / 2);

		assert(registry_remove(r, first.id) && !registry_find(r, first.id));
	}
	registry_free(r);
}

int main(void)
{
	test_addresses_are_given_from_below_and_kept();
	test_an_address_that_was_freed_is_given_again();
	test_a_range_that_is_used_up_is_said();
	test_nobody_takes_what_is_anothers();
	test_words_that_are_no_ids_or_keys_are_refused();
	test_an_app_has_a_limit_of_its_own();
	test_all_of_them_have_a_limit();
	test_another_key_needs_its_tunnel_anew();
	test_a_policy_lasts_as_long_as_its_compose();
	test_who_has_a_tunnel_gets_clients();
	test_who_is_not_ready_gets_none_until_it_says_so();
	test_a_tunnel_without_handshakes_is_silent();
	test_many_stay_unique();
	return 0;
}
