/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "kms/webhook.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "tee/boot_info.h"

enum { BODY_MAX = 16 * 1024 };

static int reads(const char *text, struct grant *g)
{
	struct err e = ERR_NONE;
	int rc = webhook_read(text, strlen(text), g, &e);

	assert((rc == 0) == !*e.text);
	return rc;
}

static void test_an_answer_has_three_members(void)
{
	static const char *const bad[] = {
		"",
		"null",
		"true",
		"[]",
		"{}",
		"{\"isAllowed\":true}",
		"{\"isAllowed\":true,\"gatewayAppId\":\"\"}",
		"{\"isAllowed\":true,\"reason\":\"\"}",
		"{\"gatewayAppId\":\"\",\"reason\":\"\"}",
		"{\"isAllowed\":\"true\",\"gatewayAppId\":\"\",\"reason\":\"\"}",
		"{\"isAllowed\":1,\"gatewayAppId\":\"\",\"reason\":\"\"}",
		"{\"isAllowed\":null,\"gatewayAppId\":\"\",\"reason\":\"\"}",
		"{\"isAllowed\":true,\"gatewayAppId\":null,\"reason\":\"\"}",
		"{\"isAllowed\":true,\"gatewayAppId\":\"\",\"reason\":3}",
		"{\"isAllowed\":true,\"gatewayAppId\":\"\",\"reason\":\"\"} x",
		"{\"isAllowed\":false,\"isAllowed\":true,\"gatewayAppId\":\"\",\"reason\":\"\"}",
	};
	struct grant g = { .is_allowed = false };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert(reads(bad[i], &g) < 0 && !g.is_allowed);
	assert(reads("{\"isAllowed\":false,\"gatewayAppId\":\"x\",\"reason\":\"no\\n\"}", &g) == 0);
	assert(!g.is_allowed && str_equal(g.reason, "no\\x0a") && str_equal(g.gateway_app_id, "x"));
	assert(reads("{\"isAllowed\":true,\"gatewayAppId\":\"\",\"reason\":\"\",\"more\":1}", &g) ==
	       0);
	assert(g.is_allowed);
}

static void test_a_long_reason_is_cut(void)
{
	auto_buf struct buf b = BUF_MAX(BODY_MAX);
	struct grant g;

	assert(buf_addf(&b, "{\"isAllowed\":false,\"gatewayAppId\":\"\",\"reason\":\"%04000d\"}",
			0) == 0);
	assert(reads((const char *)b.p, &g) == 0);
	assert(strlen(g.reason) < GRANT_TEXT_MAX && str_ends(g.reason, "..."));
}

static void test_the_question_is_dstacks(void)
{
	static char provider[] = "{\"name\":\"kms\"}";
	struct boot_info b = { .n_instance_id = 0,
			       .key_provider_info = provider,
			       .tcb_status = TCB_SW_HARDENING,
			       .n_advisories = 1 };
	auto_buf struct buf body = BUF_MAX(BODY_MAX);
	static const char zeros[] =
		"0000000000000000000000000000000000000000000000000000000000000000";
	static char want[BODY_MAX];

	(void)str_copy(b.advisories[0], QUOTE_ADVISORY_SIZE, "INTEL-SA-00837");
	memset(b.app_id, 0xab, sizeof(b.app_id));
	assert(webhook_body(&b, &body) == 0);
	assert(str_format(want, sizeof(want),
			  "{\"teeVariant\":\"dstack-tdx\",\"mrAggregated\":\"%s\",\"osImageHash\":"
			  "\"%s\",\"mrSystem\":\"%s\",\"appId\":"
			  "\"abababababababababababababababababababab\",\"composeHash\":\"%s\","
			  "\"instanceId\":\"\",\"deviceId\":\"%s\",\"keyProviderInfo\":"
			  "\"7b226e616d65223a226b6d73227d\",\"tcbStatus\":\"SWHardeningNeeded\","
			  "\"advisoryIds\":[\"INTEL-SA-00837\"]}",
			  zeros, zeros, zeros, zeros, zeros) > 0);
	assert(str_equal((const char *)body.p, want));
}

static void test_what_it_says_of_itself(void)
{
	static const char good[] = "{\"status\":\"ok\",\"kmsContractAddr\":\"0x1\","
				   "\"gatewayAppId\":\"any\",\"chainId\":"
				   "31337,\"appImplementation\":\"0x2\",\"x\":1}";
	static const char bad[] = "{\"status\":\"ok\",\"kmsContractAddr\":\"0x1\",\"gatewayAppId\":"
				  "\"any\",\"chainId\":-1,\"appImplementation\":\"0x2\"}";
	struct webhook_info i = { .chain_id = 0 };

	assert(webhook_read_info(good, sizeof(good) - 1, &i, NULL) == 0);
	assert(i.chain_id == 31337 && str_equal(i.contract, "0x1") && str_equal(i.rpc_url, ""));
	assert(webhook_read_info(bad, sizeof(bad) - 1, &i, NULL) == ERR_PROTO);
	assert(webhook_read_info("{}", 2, &i, NULL) == ERR_PROTO && i.chain_id == 31337);
}

int main(void)
{
	test_an_answer_has_three_members();
	test_a_long_reason_is_cut();
	test_the_question_is_dstacks();
	test_what_it_says_of_itself();
	return 0;
}
