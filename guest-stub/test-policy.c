/* SPDX-License-Identifier: Apache-2.0 */
/* test-policy: what this guest runs, and the words with which it does not */
#include "guest-stub/policy.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "data/app_compose.h"

/* Check {"manifest_version":"3","name":"a","runner":"none" ...} with @more behind. */
static int check(const char *more, const struct policy_guest *g, struct err *e)
{
	auto_free char *text = xasprintf("{\"manifest_version\":\"3\",\"name\":\"a\"%s}", more);
	struct app_compose *c = NULL;
	int r;

	*e = ERR_NONE;
	if (app_compose_parse(text, strlen(text), &c, e) < 0) {
		puts(e->text);
		assert(false);
	}
	r = policy_check(c, g, e);
	app_compose_free(c);
	return r;
}

static const struct policy_guest plain = { .os_version = "0.6.0", .platform = "" };

static void accepted(const char *more, const struct policy_guest *g)
{
	struct err e;

	if (check(more, g, &e) < 0) {
		puts(e.text);
		assert(false);
	}
}

static void refused(const char *more, const struct policy_guest *g, const char *words)
{
	struct err e;

	assert(check(more, g, &e) == ERR_INPUT);
	assert(strstr(e.text, "Failed to verify app-compose policy: ") == e.text);
	if (!strstr(e.text, words)) {
		puts(e.text);
		assert(false);
	}
}

static void test_runners(void)
{
	accepted(",\"runner\":\"none\"", &plain);
	accepted(",\"runner\":\"bash\",\"bash_script\":\"x\"", &plain);
	refused(",\"runner\":\"bash\"", &plain, "needs bash_script");
	refused(",\"runner\":\"docker-compose\",\"docker_compose_file\":\"x\"", &plain,
		"runner docker-compose is not supported by this guest yet");
	refused(",\"runner\":\"no\\nsuch\"", &plain, "runner no\\x0asuch");
}

static void test_key_providers(void)
{
	accepted(",\"runner\":\"none\",\"key_provider\":\"none\"", &plain);
	accepted(",\"runner\":\"none\",\"key_provider\":\"kms\",\"key_provider_id\":\"ab\"",
		 &plain);
	accepted(",\"runner\":\"none\",\"key_provider\":\"local\",\"key_provider_unpinned\":true",
		 &plain);
	refused(",\"runner\":\"none\",\"key_provider\":\"kms\"", &plain,
		"key provider kms: app-compose.json does not say which one");
	refused(",\"runner\":\"none\",\"local_key_provider_enabled\":true", &plain,
		"key provider local: app-compose.json does not say which one");
	refused(",\"runner\":\"none\",\"kms_enabled\":true,\"key_provider_unpinned\":false", &plain,
		"key provider kms");
	refused(",\"runner\":\"none\",\"key_provider\":\"tpm\"", &plain, "key provider tpm");
	refused(",\"runner\":\"none\",\"key_provider_id\":\"abcd\"", &plain,
		"Unexpected key provider id");
}

static void test_os_version(void)
{
	accepted(",\"runner\":\"none\",\"requirements\":{\"os_version\":\">=0.5\"}", &plain);
	refused(",\"runner\":\"none\",\"requirements\":{\"os_version\":\">=0.7\"}", &plain,
		"this guest is 0.6.0, not >=0.7");
	refused(",\"runner\":\"none\",\"requirements\":{\"os_version\":\"new\"}", &plain,
		"is not a requirement");
}

static void test_platforms(void)
{
	const struct policy_guest tdx = { .os_version = "0.6.0", .platform = "dstack-tdx" };

	accepted(",\"runner\":\"none\",\"requirements\":{\"platforms\":[\"dstack-tdx\"]}", &tdx);
	refused(",\"runner\":\"none\",\"requirements\":{\"platforms\":[\"dstack-tdx\"]}", &plain,
		"runs on no TEE");
	refused(",\"runner\":\"none\",\"requirements\":{\"platforms\":[]}", &tdx, "not listed");
	refused(",\"runner\":\"none\",\"requirements\":{\"platforms\":[\"\"]}", &plain, "no TEE");
}

#define TOKEN_HASH "28faa1319055d733ad9651f5ab7689c15b04609846bcd27b3c5bc8df6246f5a3"
#define WANTS_TOKEN                                                                                \
	",\"runner\":\"none\",\"requirements\":{\"launch_token_hash\":\"" TOKEN_HASH "\"}"

static struct policy_guest with_user_config(const char *text)
{
	struct policy_guest g = plain;

	g.user_config = text;
	g.n_user_config = strlen(text);
	return g;
}

/* The token and its hash are published with the format. */
static void test_launch_token(void)
{
	struct policy_guest g = with_user_config(
		"{\"dstack\":{\"launch_token\":\"unit-test-launch-token-0000000001\"}}");

	accepted(WANTS_TOKEN, &g);
	g = with_user_config(
		"{\"dstack\":{\"launch_token\":\"unit-test-launch-token-0000000002\"}}");
	refused(WANTS_TOKEN, &g, "not the one required");
	g = with_user_config("{\"dstack\":{\"launch_token\":\"short\"}}");
	refused(WANTS_TOKEN, &g, "shorter than 32 bytes");
	g = with_user_config("{\"dstack\":[]}");
	refused(WANTS_TOKEN, &g, "missing");
	g = with_user_config("");
	refused(WANTS_TOKEN, &g, ".user-config");
}

static void test_what_is_not_there_is_refused(void)
{
	struct policy_guest g = plain;

	refused(",\"runner\":\"none\",\"requirements\":{\"gpu_policy\":{\"rego\":\"x\"}}", &plain,
		"rego is not supported");
	g.n_gpus = 1;
	refused(",\"runner\":\"none\"", &g, "1 GPUs are here");
	accepted(",\"runner\":\"none\",\"requirements\":{\"gpu_policy\":{\"attest_gpu\":false}}",
		 &g);
}

int main(void)
{
	test_runners();
	test_key_providers();
	test_os_version();
	test_platforms();
	test_launch_token();
	test_what_is_not_there_is_refused();
	return 0;
}
