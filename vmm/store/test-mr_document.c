/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of mr_document: dstack's documents, byte for byte. */
#undef NDEBUG
#include "store/mr_document.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "data/app_compose.h"
#include "tee/mr_config.h"

#define HEX20(x) x x x x x x x x x x x x x x x x x x x x
#define HEX32(x) HEX20(x) x x x x x x x x x x x x

static const uint8_t seed[MR_DOCUMENT_ID_SIZE] = { 7 };

static struct app_compose *compose(const char *more)
{
	struct app_compose *c;
	char text[1024];

	assert(str_format(text, sizeof(text),
			  "{\"manifest_version\":2,\"name\":\"x\",\"runner\":\"none\"%s}",
			  more) > 0);
	assert(app_compose_parse(text, strlen(text), &c, NULL) == 0);
	return c;
}

static struct digest256 all(uint8_t byte)
{
	struct digest256 d;

	memset(d.b, byte, sizeof(d.b));
	return d;
}

static struct instance_id id(uint8_t byte)
{
	struct instance_id i = { .n = MR_DOCUMENT_ID_SIZE };

	memset(i.b, byte, i.n);
	return i;
}

static void document_is(const struct mr_document_args *a, const char *want)
{
	char *text;

	assert(mr_document(a, &text, NULL) == 0);
	assert(strcmp(text, want) == 0);
	free(text);
}

static void test_dstack_s_first_vector(void)
{
	struct app_compose *c = compose("");
	const struct instance_info info = { .app_id = id(0x11), .instance_id = id(0x44) };
	const struct mr_document_args a = { .compose = c,
					    .compose_hash = all(0x22),
					    .instance = &info };
	static const char want[] = "{\"app_id\":\"" HEX20("11") "\",\"compose_hash\":\"" HEX32(
		"22") "\",\"instance_id\":\"" HEX20("44") "\",\"key_provider\":\"none\","
							  "\"version\":3}";
	char text[MR_CONFIG_TEXT_SIZE];
	struct mr_config m;

	document_is(&a, want);
	m = mr_config_v3(want, strlen(want));
	mr_config_text(&m, text);
	assert(str_equal(text, "A1FN2VzX2xWj4YpdnyX40dnX40V6ZQ4ZY61PtjqKSsVDAAAAAAAAAAAAAAAAAAAA"));
	app_compose_free(c);
}

static void test_gpus_scripts_and_providers(void)
{
	struct app_compose *c = compose(",\"key_provider\":\"kms\",\"key_provider_id\":\"0aff\"");
	const struct instance_info info = { .app_id = id(0x11) };
	struct mr_document_args a = {
		.compose = c, .compose_hash = all(0x22), .instance = &info, .has_gpus = true
	};

	/* the SHA-256 of {} */
	document_is(&a, "{\"app_id\":\"" HEX20("11") "\",\"compose_hash\":\"" HEX32(
				"22") "\",\"gpu_policy_hash\":"
				      "\"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61c"
				      "aaff8a\","
				      "\"key_provider\":\"kms\",\"key_provider_id\":\"0aff\","
				      "\"version\":3}");
	app_compose_free(c);
	{
		static const char text[] = "{\"manifest_version\":\"3\",\"name\":\"x\",\"runner\":"
					   "\"none\",\"init_script\":\"a\"}";

		assert(app_compose_parse(text, strlen(text), &c, NULL) == 0);
	}
	a.compose = c;
	a.has_gpus = false;
	document_is(&a, "{\"app_id\":\"" HEX20("11") "\",\"compose_hash\":\"" HEX32(
				"22") "\",\"init_script_hashes\":["
				      "\"ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785af"
				      "ee48bb\"],"
				      "\"key_provider\":\"none\",\"version\":3}");
	app_compose_free(c);
}

static void test_an_instance_lasts_as_long_as_its_keys(void)
{
	struct app_compose *none = compose(""), *kms = compose(",\"key_provider\":\"kms\"");
	struct app_compose *nobody = compose(",\"key_provider\":\"kms\",\"no_instance_id\":true");
	const struct digest256 hash = all(0x22);
	struct instance_info i = { .seed = id(1), .instance_id = id(2) };
	struct err e;

	assert(mr_document_instance(kms, &hash, seed, &i, NULL) == 0);
	assert(i.seed.b[0] == 1 && i.app_id.n == 20 && i.app_id.b[0] == 0x22);
	assert(i.instance_id.n == 20 && i.instance_id.b[0] != 2);
	assert(mr_document_instance(none, &hash, seed, &i, NULL) == 0 && i.seed.b[0] == 7);
	assert(mr_document_instance(nobody, &hash, seed, &i, NULL) == 0 && i.instance_id.n == 0);
	i.app_id.n = 19;
	assert(mr_document_instance(kms, &hash, seed, &i, &e) == ERR_INPUT);
	assert(strstr(e.text, "expected 20 bytes, got 19"));
	app_compose_free(none);
	app_compose_free(kms);
	app_compose_free(nobody);
}

int main(void)
{
	test_dstack_s_first_vector();
	test_gpus_scripts_and_providers();
	test_an_instance_lasts_as_long_as_its_keys();
	return 0;
}
