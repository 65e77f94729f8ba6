/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/mr_config.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

#define TEN(x) x x x x x x x x x x

static void is_text(const struct mr_config *m, const char *want)
{
	char text[MR_CONFIG_TEXT_SIZE];

	mr_config_text(m, text);
	assert(strcmp(text, want) == 0);
}

static void test_v1_is_the_compose_hash(void)
{
	struct digest256 compose;
	struct mr_config m;

	memset(compose.b, 0x22, sizeof(compose.b));
	m = mr_config_v1(&compose);
	is_text(&m, "ASIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiAAAAAAAAAAAAAAAAAAAA");
}

static void test_v2_is_keccak_of_the_parts(void)
{
	static const char want[] =
		"027f2ca741da9d356026ab20ca640abf06198829a128817b091bbc9aec1ed97b60";
	uint8_t app[20], provider[32], expected[48] = { 0 };
	struct digest256 compose;
	struct mr_config m;

	memset(compose.b, 0x22, sizeof(compose.b));
	memset(app, 0x11, sizeof(app));
	memset(provider, 0x33, sizeof(provider));
	assert(str_unhex(expected, 33, want) == 0);
	m = mr_config_v2(&compose, app, 2, provider, sizeof(provider));
	assert(memcmp(m.b, expected, sizeof(m.b)) == 0);
	m = mr_config_v2(&compose, app, 1, provider, sizeof(provider));
	assert(memcmp(m.b, expected, sizeof(m.b)) != 0);
}

static void test_v3_is_the_document_s_hash(void)
{
	static const char document[] = "{\"app_id\":\"" TEN("1111") "\",\"compose_hash\":\"" TEN(
		"222222") "2222"
			  "\",\"instance_id\":\"" TEN(
				  "4444") "\",\"key_provider\":\"none\",\"version\":3}";
	struct mr_config m = mr_config_v3(document, strlen(document));

	is_text(&m, "A1FN2VzX2xWj4YpdnyX40dnX40V6ZQ4ZY61PtjqKSsVDAAAAAAAAAAAAAAAAAAAA");
}

int main(void)
{
	test_v1_is_the_compose_hash();
	test_v2_is_keccak_of_the_parts();
	test_v3_is_the_document_s_hash();
	return 0;
}
