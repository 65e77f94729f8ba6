/* SPDX-License-Identifier: Apache-2.0 */
/* test-gateway_answer: answers of gateways, honest and not */
#undef NDEBUG
#include "guest-stub/gateway_answer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"

#define KEY  "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define KEY2 "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
#define KEY0 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

#define SERVER(pk, ip, endpoint)                                                                   \
	"{\"pk\":\"" pk "\",\"ip\":\"" ip "\",\"endpoint\":\"" endpoint "\"}"
#define ANSWER(client, servers)                                                                    \
	"{\"wg\":{\"client_ip\":\"" client "\",\"servers\":[" servers "]},\"agent\":null}"
#define ONE(ip, endpoint) ANSWER("10.8.0.2", SERVER(KEY, ip, endpoint))

static int reads(const char *text, struct gateway_answer *ret, struct err *e)
{
	return gateway_answer_read(text, strlen(text), ret, e);
}

static void refused(const char *text, const char *why)
{
	struct gateway_answer a;
	struct err e = ERR_NONE;

	assert(reads(text, &a, &e) < 0);
	if (!strstr(e.text, why)) {
		(void)fprintf(stderr, "%s\nsaid: %s\n", text, e.text);
		abort();
	}
}

/* The example of a gateway of dstack's. */
static void test_an_answer(void)
{
	static const char text[] = "{\"wg\":{\"client_ip\":\"10.8.0.2\",\"servers\":[" SERVER(
		KEY, "10.8.0.1/16", "1.2.3.4:51820") "]},\"agent\":{\"external_port\":443,"
						     "\"internal_port\":8090,\"domain\":"
						     "\"example.com\","
						     "\"app_address_ns_prefix\":\"_x\"},"
						     "\"gateways\":[{\"id\":1}]}";
	struct gateway_answer a;

	assert(reads(text, &a, NULL) == 0);
	assert(a.client == 0x0a080002 && a.n_servers == 1 && a.external_port == 443);
	assert(a.servers[0].address == 0x0a080001 && a.servers[0].port == 51820);
	assert(str_equal(a.servers[0].host, "1.2.3.4") && str_equal(a.domain, "example.com"));
	assert(a.servers[0].key[0] == 1 && a.servers[0].key[31] == 1);
}

static void test_endpoints_that_are_taken(void)
{
	static const struct {
		const char *text, *host;
		uint16_t port;
	} rows[] = {
		{ ONE("10.8.0.1", "10.0.2.2:1"), "10.0.2.2", 1 },
		{ ONE("10.8.0.1", "gw-1.example.com:65535"), "gw-1.example.com", 65535 },
		{ ONE("172.31.255.1/12", "[2001:db8::1]:51820"), "2001:db8::1", 51820 },
		{ ONE("100.64.0.1/10", "localhost:51820"), "localhost", 51820 },
	};
	struct gateway_answer a;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert(reads(rows[i].text, &a, NULL) == 0);
		assert(str_equal(a.servers[0].host, rows[i].host) &&
		       a.servers[0].port == rows[i].port);
	}
}

static void test_endpoints_that_are_refused(void)
{
	static const char *const rows[] = {
		ONE("10.8.0.1", ""),
		ONE("10.8.0.1", "1.2.3.4"),
		ONE("10.8.0.1", ":51820"),
		ONE("10.8.0.1", "1.2.3.4:0"),
		ONE("10.8.0.1", "1.2.3.4:65536"),
		ONE("10.8.0.1", "1.2.3.4:x"),
		ONE("10.8.0.1", "1.2.3.4: 1"),
		ONE("10.8.0.1", "127.0.0.1:51820"),
		ONE("10.8.0.1", "0.0.0.0:51820"),
		ONE("10.8.0.1", "224.0.0.1:51820"),
		ONE("10.8.0.1", "255.255.255.255:51820"),
		ONE("10.8.0.1", "2130706433:51820"),
		ONE("10.8.0.1", "0x7f.1:51820"),
		ONE("10.8.0.1", "[::1]:51820"),
		ONE("10.8.0.1", "[::]:51820"),
		ONE("10.8.0.1", "[::ffff:127.0.0.1]:51820"),
		ONE("10.8.0.1", "[fe80::1]:51820"),
		ONE("10.8.0.1", "[ff02::1]:51820"),
		ONE("10.8.0.1", "[1.2.3.4]:51820"),
		ONE("10.8.0.1", "[2001:db8::1:51820"),
		ONE("10.8.0.1", "2001:db8::1:51820"),
		ONE("10.8.0.1", "[]:51820"),
		ONE("10.8.0.1", "a b:51820"),
		ONE("10.8.0.1", "a\\u0000b:51820"),
		ONE("10.8.0.1", "-x:51820"),
		ONE("10.8.0.1", "$(x):51820"),
		ONE("10.8.0.1", "a\\nb:51820"),
	};
	struct gateway_answer a;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert(reads(rows[i], &a, NULL) < 0);
}

static void test_addresses_are_of_private_networks(void)
{
	refused(ONE("8.8.8.8", "1.2.3.4:1"), "server 1: ip");
	refused(ONE("127.0.0.1", "1.2.3.4:1"), "server 1: ip");
	refused(ONE("10.8.0.1/33", "1.2.3.4:1"), "server 1: ip");
	refused(ONE("10.8.0.1/", "1.2.3.4:1"), "server 1: ip");
	refused(ONE("10.8.0.1/16/16", "1.2.3.4:1"), "server 1: ip");
	refused(ONE("10.8.0", "1.2.3.4:1"), "server 1: ip");
	refused(ONE("fd00::1", "1.2.3.4:1"), "server 1: ip");
	refused(ANSWER("10.8.0.2/16", SERVER(KEY, "10.8.0.1", "a:1")), "client_ip");
	refused(ANSWER("172.32.0.1", SERVER(KEY, "10.8.0.1", "a:1")), "client_ip");
	refused(ANSWER("0.0.0.0", SERVER(KEY, "10.8.0.1", "a:1")), "client_ip");
	refused(ANSWER("169.254.0.1", SERVER(KEY, "10.8.0.1", "a:1")), "client_ip");
	refused(ANSWER("", SERVER(KEY, "10.8.0.1", "a:1")), "client_ip");
}

static void test_keys_have_32_bytes(void)
{
	refused(ANSWER("10.8.0.2", SERVER("", "10.8.0.1", "a:1")), "server 1: pk");
	refused(ANSWER("10.8.0.2", SERVER("AQEB", "10.8.0.1", "a:1")), "server 1: pk");
	refused(ANSWER("10.8.0.2", SERVER(KEY0, "10.8.0.1", "a:1")), "server 1: pk");
	refused(ANSWER("10.8.0.2", SERVER(KEY "=", "10.8.0.1", "a:1")), "server 1: pk");
}

static void test_servers_do_not_share(void)
{
	refused(ANSWER("10.8.0.2",
		       SERVER(KEY, "10.8.0.1", "a:1") "," SERVER(KEY, "10.8.0.3", "a:1")),
		"servers 1 and 2");
	refused(ANSWER("10.8.0.2",
		       SERVER(KEY, "10.8.0.1", "a:1") "," SERVER(KEY2, "10.8.0.1", "b:1")),
		"servers 1 and 2");
	refused(ANSWER("10.8.0.1", SERVER(KEY, "10.8.0.1", "a:1")), "our own address");
}

static void test_too_many_or_none(void)
{
	auto_buf struct buf b = BUF_MAX(1 << 20);
	struct gateway_answer a;
	int i;

	refused(ANSWER("10.8.0.2", ""), "no WireGuard server");
	refused("{\"wg\":{\"client_ip\":\"10.8.0.2\"}}", "no WireGuard server");
	assert(buf_add_str(&b, "{\"wg\":{\"client_ip\":\"10.8.0.2\",\"servers\":[") == 0);
	for (i = 0; i <= GATEWAY_SERVERS_MAX; i++)
		assert(buf_addf(&b, "%s{}", i ? "," : "") == 0);
	assert(buf_add_str(&b, "]}}") == 0);
	assert(gateway_answer_read(b.p, b.n, &a, NULL) == ERR_LIMIT);
	buf_deinit(&b);
	b = BUF_MAX(1 << 20);
	for (i = 0; i <= GATEWAY_ANSWER_MAX; i++)
		assert(buf_add_str(&b, " ") == 0);
	assert(gateway_answer_read(b.p, b.n, &a, NULL) == ERR_LIMIT);
}

static void test_what_is_no_answer(void)
{
	static const char *const rows[] = { "",
					    "null",
					    "[]",
					    "{}",
					    "<html>",
					    "{\"wg\":1}",
					    "{\"wg\":{\"client_ip\":1,\"servers\":1}}" };
	struct gateway_answer a;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert(reads(rows[i], &a, NULL) < 0);
}

static void test_an_odd_domain_is_left_out(void)
{
	struct gateway_answer a;

	assert(reads("{\"wg\":{\"client_ip\":\"10.8.0.2\",\"servers\":[" SERVER(
			     KEY, "10.8.0.1", "a:1") "]},\"agent\":{\"domain\":\"<b>\","
						     "\"external_port\":70000}}",
		     &a, NULL) == 0);
	assert(str_equal(a.domain, "") && a.external_port == 0);
}

int main(void)
{
	test_an_answer();
	test_endpoints_that_are_taken();
	test_endpoints_that_are_refused();
	test_addresses_are_of_private_networks();
	test_keys_have_32_bytes();
	test_servers_do_not_share();
	test_too_many_or_none();
	test_what_is_no_answer();
	test_an_odd_domain_is_left_out();
	return 0;
}
