/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/notices.h"

#include <assert.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"

static void expect(const char *payload, size_t n, const char *want)
{
	auto_free char *body = notices_body("boot.error", payload, n);

	assert(str_equal(body, want));
}

static void test_body_is_dstacks(void)
{
	expect("done", 4, "{\"event\":\"boot.error\",\"payload\":\"done\"}");
	expect("", 0, "{\"event\":\"boot.error\",\"payload\":\"\"}");
	expect("a\n\"b\"", 5, "{\"event\":\"boot.error\",\"payload\":\"a\\n\\\"b\\\"\"}");
}

static void test_bytes_that_are_no_text_are_escaped(void)
{
	expect("x\xff", 2, "{\"event\":\"boot.error\",\"payload\":\"x\"}");
	expect("x\xffy", 3, "{\"event\":\"boot.error\",\"payload\":\"x\\\\xffy\"}");
}

/* Hosts drop payloads over 4096 bytes: a long one is cut, between characters. */
static void test_long_payload_is_cut_between_characters(void)
{
	static char text[2 * NOTICE_PAYLOAD_MAX];
	auto_free char *body = NULL;
	struct err e = ERR_NONE;
	json_t *j = NULL;
	size_t i;

	text[0] = 'a'; /* so that the limit falls inside a character */
	for (i = 1; i < sizeof(text); i++)
		text[i] = i % 2 ? '\xc3' : '\xa9';
	body = notices_body("x", text, sizeof(text) - 1);
	assert(json_parse(body, strlen(body), 1 << 20, "body", &j, &e) == 0);
	i = strlen(json_get_str(j, "payload", ""));
	assert(i == NOTICE_PAYLOAD_MAX - 1);
	json_decref(j);
}

int main(void)
{
	test_body_is_dstacks();
	test_bytes_that_are_no_text_are_escaped();
	test_long_payload_is_cut_between_characters();
	return 0;
}
