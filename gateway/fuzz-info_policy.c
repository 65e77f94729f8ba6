/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-info_policy: input is a guest's answer to Info.  What has another compose hash than asked for is refused; else the
 * policy holds ports only.  To get behind the hash, the target asks for the one of whatever app_compose is in it.
 */
#include <assert.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "data/json.h"
#include "gateway/info_policy.h"
#include "gateway/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void hash_of(const uint8_t *p, size_t n, char *ret)
{
	json_auto_t *info = NULL, *tcb = NULL;
	const json_t *text;
	struct digest256 h;

	if (json_parse(p, n, INFO_POLICY_MAX, "it", &info, NULL) < 0)
		return;
	text = json_object_get(info, "tcb_info");
	if (json_parse(json_string_value(text) ? json_string_value(text) : "",
		       json_string_length(text), INFO_POLICY_MAX, "it", &tcb, NULL) < 0)
		return;
	text = json_object_get(tcb, "app_compose");
	h = digest256_bytes(json_string_value(text) ? json_string_value(text) : "",
			    json_string_length(text));
	str_hex(ret, h.b, sizeof(h.b));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char other[] =
		"00000000000000000000000000000000000000000000000000000000000000ff";
	struct route_policy policy = { .n = 0 };
	char hash[65] = "";
	struct err e = ERR_NONE;
	uint8_t i;

	assert(info_policy_read(p, n, "", &policy, &e) < 0 && e.text[0]);
	assert(info_policy_read(p, n, other, &policy, &e) < 0 && !policy.is_known);
	hash_of(p, n, hash);
	if (info_policy_read(p, n, hash, &policy, &e) < 0) {
		assert(!policy.is_known);
		return 0;
	}
	assert(policy.is_known && policy.n <= ROUTES_PORTS_MAX);
	for (i = 0; i < policy.n; i++)
		assert(policy.ports[i].port > 0);
	return 0;
}
