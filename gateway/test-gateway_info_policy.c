/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "gateway/info_policy.h"

#include <assert.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "data/json.h"
#include "gateway/routes.h"

#define COMPOSE(rest)                                                                              \
	"{\"manifest_version\":2,\"name\":\"x\",\"runner\":\"bash\",\"bash_script\":\"true\"" rest \
	"}"

static char hash[65];

static const char *hash_of(const char *compose)
{
	struct digest256 h = digest256_bytes(compose, strlen(compose));

	str_hex(hash, h.b, sizeof(h.b));
	return hash;
}

/* What a guest answers; tcb_info as it is if @tcb is given. */
static char *info(const char *compose, const char *tcb)
{
	json_auto_t *inner = json_pack("{s:s,s:s}", "mrtd", "00", "app_compose", compose), *o;
	auto_free char *text = json_pretty(inner);

	o = json_pack("{s:s,s:s}", "app_id", "a0", "tcb_info", tcb ? tcb : text);
	return json_compact(o);
}

static int read_it(const char *compose, const char *tcb, const char *want, struct route_policy *ret,
		   struct err *e)
{
	auto_free char *text = info(compose, tcb);

	return info_policy_read(text, strlen(text), want, ret, e);
}

static void test_the_policy_of_the_compose_is_read(void)
{
	static const char two[] =
		COMPOSE(",\"port_policy\":{\"restrict_mode\":true,\"ports\":[{\"port\":"
			"80},{\"port\":443,\"pp\":true}]}"),
			  none[] = COMPOSE("");
	struct route_policy p = { .n = 9 };
	struct err e = ERR_NONE;

	assert(read_it(two, NULL, hash_of(two), &p, &e) == 0);
	assert(p.is_known && p.is_restricted && p.n == 2);
	assert(p.ports[0].port == 80 && !p.ports[0].wants_proxy_header);
	assert(p.ports[1].port == 443 && p.ports[1].wants_proxy_header);
	assert(read_it(none, NULL, hash_of(none), &p, &e) == 0);
	assert(p.is_known && !p.is_restricted && p.n == 0);
}

static void refused(const char *compose, const char *tcb, const char *want, const char *why)
{
	struct route_policy p = { .n = 9 };
	struct err e = ERR_NONE;

	assert(read_it(compose, tcb, want, &p, &e) < 0);
	assert(strstr(e.text, why));
	assert(p.n == 9);
}

static void test_another_compose_is_not_believed(void)
{
	static const char open[] = COMPOSE(""),
			  closed[] = COMPOSE(",\"port_policy\":{\"restrict_mode\":true}");

	refused(open, NULL, hash_of(closed), "its app_compose is not the one of its certificate");
	refused(open, NULL, "", "names no compose hash");
	refused(COMPOSE(" "), NULL, hash_of(open), "is not the one"); /* bytes count, not values */
}

static void test_what_has_no_policy_in_it_is_refused(void)
{
	static const char *const bad[] = { "",
					   "{",
					   "[]",
					   "{}",
					   "null",
					   "{\"tcb_info\":1}",
					   "{\"tcb_info\":\"{}\"}",
					   "{\"tcb_info\":\"[\"}",
					   "{\"tcb_info\":\"{}\",\"tcb_info\":\"{}\"}",
					   "{\"tcb_info\":\"{\\\"app_compose\\\":null}\"}" };
	static const char zero[] = COMPOSE(",\"port_policy\":{\"ports\":[{\"port\":0}]}"),
			  big[] = COMPOSE(",\"port_policy\":{\"ports\":[{\"port\":65536}]}");
	struct route_policy p;
	struct err e = ERR_NONE;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(info_policy_read(bad[i], strlen(bad[i]), hash_of(zero), &p, &e) < 0);
	refused("x", "", hash_of("x"), "public_tcbinfo is false");
	refused(zero, NULL, hash_of(zero), "0 is not a port");
	refused(big, NULL, hash_of(big), "port");
	refused("not json", NULL, hash_of("not json"), "app-compose.json");
}

static void test_too_much_is_refused(void)
{
	struct buf_of {
		char text[16 * 1024];
	} *b = xnew(struct buf_of);
	size_t n, i;
	auto_free char *huge = xcalloc(1, INFO_POLICY_MAX + 2);
	struct route_policy p;
	struct err e = ERR_NONE;

	n = strlen(COMPOSE(""));
	memcpy(b->text, COMPOSE(""), n);
	(void)str_copy(b->text + n - 1, 64, ",\"port_policy\":{\"ports\":[");
	for (i = 0; i <= ROUTES_PORTS_MAX; i++)
		(void)str_copy(b->text + strlen(b->text), 64, i ? ",{\"port\":7}" : "{\"port\":7}");
	(void)str_copy(b->text + strlen(b->text), 64, "]}}");
	refused(b->text, NULL, hash_of(b->text), "more than 64 ports");
	memset(huge, ' ', INFO_POLICY_MAX + 1);
	assert(info_policy_read(huge, INFO_POLICY_MAX + 1, hash_of(""), &p, &e) == ERR_LIMIT);
	free(b);
}

int main(void)
{
	test_the_policy_of_the_compose_is_read();
	test_another_compose_is_not_believed();
	test_what_has_no_policy_in_it_is_refused();
	test_too_much_is_refused();
	return 0;
}
