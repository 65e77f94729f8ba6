/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "data/app_compose.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "data/json.h"

#define HEAD  "\"manifest_version\":\"3\",\"name\":\"n\",\"runner\":\"bash\""
#define HEX32 "2222222222222222222222222222222222222222222222222222222222222222"

static struct app_compose *good(const char *text)
{
	struct app_compose *c = NULL;
	struct err e = ERR_NONE;
	int rc = app_compose_parse(text, strlen(text), &c, &e);

	if (rc < 0)
		(void)fprintf(stderr, "%s\n", e.text);
	assert(rc == 0);
	return c;
}

/* HEAD and one more member. */
static struct app_compose *with(const char *member)
{
	auto_free char *text = xasprintf("{" HEAD ",%s}", member);

	return good(text);
}

static void bad(const char *text, const char *message)
{
	struct app_compose *c = NULL;
	struct err e = ERR_NONE;
	int rc = app_compose_parse(text, strlen(text), &c, &e);

	if (rc != ERR_INPUT || strcmp(e.text, message) != 0)
		(void)fprintf(stderr, "got %d: %s\nexpected: %s\n", rc, e.text, message);
	assert(rc == ERR_INPUT && strcmp(e.text, message) == 0 && !c);
}

static void bad_with(const char *member, const char *message)
{
	auto_free char *text = xasprintf("{" HEAD ",%s}", member);
	auto_free char *whole = xasprintf("app-compose.json: %s", message);

	bad(text, whole);
}

static void test_defaults(void)
{
	struct app_compose *c = good("{" HEAD "}");

	assert(c->manifest_version == 3 && strcmp(c->name, "n") == 0);
	assert(strcmp(c->runner, "bash") == 0 && c->features.n == 0 && c->allowed_envs.n == 0);
	assert(!c->snapshotter && !c->docker_compose_file && !c->bash_script &&
	       !c->pre_launch_script);
	assert(!c->public_logs && !c->public_sysinfo && c->public_tcbinfo && !c->gateway_enabled);
	assert(c->key_provider == APP_KEY_PROVIDER_NONE && c->n_key_provider_id == 0 &&
	       !c->key_provider_unpinned);
	assert(!c->no_instance_id && c->secure_time && !c->storage_fs && c->swap_size == 0);
	assert(c->event_log_version == 1 && c->n_init_scripts == 0 && c->n_volumes == 0);
	assert(!c->requirements.is_given && c->requirements.gpu_policy.attest_gpu);
	assert(c->n_port_rules == 0 && !c->port_restrict_mode && app_compose_check(c, NULL) == 0);
	app_compose_free(c);
	app_compose_free(NULL);
}

/* NOLINTNEXTLINE(readability-function-cognitive-complexity): a list of claims */
static void test_everything_written(void)
{
	struct app_compose *c = with(
		"\"features\":[\"kms\",\"x\"],\"docker_compose_file\":\"services: "
		"{}\",\"bash_script\":\"echo\","
		"\"pre_launch_script\":\"p\",\"public_logs\":true,\"public_sysinfo\":true,"
		"\"public_tcbinfo\":false,\"gateway_enabled\":true,\"key_provider\":\"tpm\","
		"\"key_provider_id\":\"00fF\",\"key_provider_unpinned\":true,\"allowed_envs\":["
		"\"A\"],\"no_instance_id\":true,"
		"\"secure_time\":false,\"storage_fs\":\"zfs\",\"swap_size\":7,\"event_log_"
		"version\":2,"
		"\"port_policy\":{\"ports\":[{\"port\":443,\"pp\":true},{\"port\":80,\"new\":1}],"
		"\"restrict_mode\":true},\"init_script\":[\"a\",\"b\"],\"unknown\":{\"a\":[1]},"
		"\"verity_volumes\":[{\"source\":\"v.img\",\"verity_root\":\"" HEX32
		"\",\"target\":\"/v\"}]");

	assert(c->features.n == 2 && strcmp(c->features.p[1], "x") == 0);
	assert(strcmp(c->docker_compose_file, "services: {}") == 0 &&
	       strcmp(c->bash_script, "echo") == 0);
	assert(strcmp(c->pre_launch_script, "p") == 0 && c->public_logs && c->public_sysinfo);
	assert(!c->public_tcbinfo && c->gateway_enabled && c->key_provider == APP_KEY_PROVIDER_TPM);
	assert(c->key_provider_unpinned && c->n_key_provider_id == 2 &&
	       memcmp(c->key_provider_id, "\x00\xff", 2) == 0);
	assert(c->allowed_envs.n == 1 && c->no_instance_id && !c->secure_time);
	assert(strcmp(c->storage_fs, "zfs") == 0 && c->swap_size == 7 && c->event_log_version == 2);
	assert(c->n_port_rules == 2 && c->port_rules[0].port == 443 &&
	       c->port_rules[0].has_proxy_protocol);
	assert(!c->port_rules[1].has_proxy_protocol && c->port_restrict_mode);
	assert(c->n_init_scripts == 2 && strcmp(c->init_scripts[1], "b") == 0);
	assert(c->n_volumes == 1 && c->volumes[0].root[31] == 0x22);
	assert(strcmp(c->volumes[0].source, "v.img") == 0 &&
	       strcmp(c->volumes[0].target, "/v") == 0);
	app_compose_free(c);
}

static void test_null_is_absent_only_where_it_may_be(void)
{
	app_compose_free(
		with("\"docker_compose_file\":null,\"init_script\":null,\"key_provider\":null,"
		     "\"storage_fs\":null,\"requirements\":null,\"snapshotter\":null,"
		     "\"bash_script\":null,\"pre_launch_script\":null"));
	bad_with("\"features\":null", "features: expected a list");
	bad_with("\"public_logs\":null", "public_logs: expected true or false");
	bad_with("\"key_provider_id\":null", "key_provider_id: expected a string");
}

static unsigned int version(const char *value)
{
	auto_free char *text =
		xasprintf("{\"manifest_version\":%s,\"name\":\"\",\"runner\":\"\"}", value);
	struct app_compose *c = good(text);
	unsigned int v = c->manifest_version;

	app_compose_free(c);
	return v;
}

static void test_manifest_version(void)
{
	static const char *const wrong[] = { "\"03\"", "\"+3\"", "\"3.0\"", "\"\"",
					     "0",      "-1",	 "1.0",	    "\"0\"",
					     "null",   "[]",	 "true",    "\"4294967296\"",
					     "\" 3\"", "\"3 \"" };
	size_t i;

	assert(version("1") == 1 && version("2") == 2 && version("\"1\"") == 1 &&
	       version("\"3\"") == 3);
	assert(version("\"4294967295\"") == UINT32_MAX);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		auto_free char *text = xasprintf(
			"{\"manifest_version\":%s,\"name\":\"\",\"runner\":\"\"}", wrong[i]);
		bad(text,
		    "app-compose.json: manifest_version: expected a positive integer in a string");
	}
	bad("{\"manifest_version\":3,\"name\":\"\",\"runner\":\"\"}",
	    "app-compose.json: manifest_version: numeric manifest_version is only supported for "
	    "legacy "
	    "versions 1 and 2; use a string for newer versions");
}

static void test_required_keys(void)
{
	bad("{}", "app-compose.json: manifest_version: missing");
	bad("{\"manifest_version\":1,\"runner\":\"bash\"}", "app-compose.json: name: missing");
	bad("{\"manifest_version\":1,\"name\":\"x\"}", "app-compose.json: runner: missing");
	bad("{\"manifest_version\":1,\"name\":1,\"runner\":\"bash\"}",
	    "app-compose.json: name: expected a string");
	bad("[]", "app-compose.json: expected an object");
	bad("", "app-compose.json: empty, expected JSON");
	bad("{\"name\":\"a\",\"name\":\"b\"}",
	    "app-compose.json:1: not valid JSON: duplicate object key near '\"name\"'");
}

static void test_gateway_by_any_name(void)
{
	static const char *const on[] = { "\"gateway_enabled\":true", "\"tproxy_enabled\":true",
					  "\"features\":[\"tproxy-net\"]",
					  "\"gateway_enabled\":false,\"tproxy_enabled\":true" };
	struct app_compose *c;
	size_t i;

	for (i = 0; i < sizeof(on) / sizeof(on[0]); i++) {
		c = with(on[i]);
		assert(c->gateway_enabled);
		app_compose_free(c);
	}
}

static void test_key_provider_in_effect(void)
{
	static const struct {
		const char *member;
		enum app_key_provider is;
	} cases[] = {
		{ "\"kms_enabled\":true", APP_KEY_PROVIDER_KMS },
		{ "\"local_key_provider_enabled\":true", APP_KEY_PROVIDER_LOCAL },
		{ "\"kms_enabled\":true,\"local_key_provider_enabled\":true",
		  APP_KEY_PROVIDER_KMS },
		{ "\"kms_enabled\":true,\"key_provider\":\"none\"", APP_KEY_PROVIDER_NONE },
		{ "\"kms_enabled\":true,\"key_provider\":\"tpm\"", APP_KEY_PROVIDER_TPM },
		{ "\"key_provider\":\"local\"", APP_KEY_PROVIDER_LOCAL },
		{ "\"kms_enabled\":true,\"key_provider\":null", APP_KEY_PROVIDER_KMS },
	};
	struct app_compose *c;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		c = with(cases[i].member);
		assert(c->key_provider == cases[i].is);
		app_compose_free(c);
	}
	assert(strcmp(app_key_provider_name(APP_KEY_PROVIDER_LOCAL), "local") == 0);
	bad_with("\"key_provider_unpinned\":\"true\"",
		 "key_provider_unpinned: expected true or false");
	bad_with("\"key_provider\":\"sgx\"",
		 "key_provider: \"sgx\" is not one of none, kms, local, tpm");
	bad_with("\"key_provider\":1", "key_provider: expected a string");
	bad_with("\"key_provider_id\":\"0x00\"",
		 "key_provider_id: expected bytes in hex, without 0x");
	bad_with("\"key_provider_id\":\"abc\"",
		 "key_provider_id: expected bytes in hex, without 0x");
}

static void test_init_scripts(void)
{
	struct app_compose *c = with("\"init_script\":\"one\"");

	assert(c->n_init_scripts == 1 && strcmp(c->init_scripts[0], "one") == 0);
	app_compose_free(c);
	c = with("\"init_script\":[\"\",\"\",\"\",\"\",\"5\"]");
	assert(c->n_init_scripts == 5);
	app_compose_free(c);
	bad_with("\"init_script\":[\"\",\"\",\"\",\"\",\"\",\"\"]",
		 "init_script: init_script supports at most 5 scripts");
	bad_with("\"init_script\":[1]", "init_script: element 0: expected a string");
	bad_with("\"init_script\":{}", "init_script: expected a string or a list of strings");
}

static uint64_t swap(const char *value)
{
	auto_free char *member = xasprintf("\"swap_size\":%s", value);
	struct app_compose *c = with(member);
	uint64_t v = c->swap_size;

	app_compose_free(c);
	return v;
}

static void test_swap_size(void)
{
	static const char *const wrong[] = { "\"\"",	      "\"4GB\"",
					     "\"-1\"",	      "\"0x\"",
					     "\"0xg\"",	      "\"4 G\"",
					     "\"99999999T\"", "\"0x11111111111111111\"" };
	size_t i;

	assert(swap("0") == 0 && swap("4096") == 4096 && swap("\"4096\"") == 4096);
	assert(swap("\"4G\"") == 4ull << 30 && swap("\"4g\"") == 4ull << 30 &&
	       swap("\"1T\"") == 1ull << 40);
	assert(swap("\"0x10\"") == 16 && swap("\"0XfFffffffffffffff\"") == UINT64_MAX);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		auto_free char *member = xasprintf("\"swap_size\":%s", wrong[i]);
		bad_with(member,
			 "swap_size: expected a size such as 4294967296, 0x100000000 or 4G");
	}
	bad_with("\"swap_size\":-1", "swap_size: expected a number from 0 to 9223372036854775807");
	bad_with("\"swap_size\":1.5", "swap_size: expected a number from 0 to 9223372036854775807");
}

static void test_requirements(void)
{
	struct app_compose *c =
		with("\"requirements\":{\"os_version\":\">=0.6\",\"platforms\":[],"
		     "\"tdx_measure_acpi_tables\":false,\"launch_token_hash\":\"" HEX32 "\","
		     "\"gpu_policy\":{\"rego\":\"x\",\"attest_gpu\":false,"
		     "\"allow_debug\":true}}");
	const struct app_requirements *r = &c->requirements;
	auto_free char *raw = json_canonical(r->gpu_policy_raw);

	assert(r->is_given && strcmp(r->os_version, ">=0.6") == 0);
	assert(r->has_platforms && r->platforms.n == 0);
	assert(r->has_tdx_measure_acpi_tables && !r->tdx_measure_acpi_tables);
	assert(r->has_launch_token_hash && r->launch_token_hash[0] == 0x22);
	assert(!r->gpu_policy.attest_gpu && r->gpu_policy.allow_debug &&
	       !r->gpu_policy.allow_devtools);
	assert(strcmp(r->gpu_policy.rego, "x") == 0);
	assert(strcmp(raw, "{\"allow_debug\":true,\"attest_gpu\":false,\"rego\":\"x\"}") == 0);
	app_compose_free(c);
	c = with("\"requirements\":{}");
	assert(c->requirements.is_given && !c->requirements.has_platforms);
	assert(!c->requirements.has_launch_token_hash && !c->requirements.gpu_policy_raw);
	app_compose_free(c);
	c = with("\"requirements\":{\"platforms\":null,\"gpu_policy\":null,\"os_version\":null}");
	assert(!c->requirements.has_platforms && !c->requirements.os_version);
	app_compose_free(c);
}

static void test_requirements_deny_the_unknown(void)
{
	bad_with("\"requirements\":{\"platform\":[]}",
		 "requirements: platform: unknown key; did you mean \"platforms\"?");
	bad_with("\"requirements\":{\"zzz\":1}", "requirements: zzz: unknown key");
	bad_with("\"requirements\":{\"gpu_policy\":{\"zzz\":1}}",
		 "requirements.gpu_policy: zzz: unknown key");
	bad_with("\"requirements\":[]", "requirements: expected an object");
	bad_with("\"requirements\":{\"gpu_policy\":3}",
		 "requirements: gpu_policy: expected an object");
	bad_with("\"requirements\":{\"gpu_policy\":{\"attest_gpu\":\"true\"}}",
		 "requirements.gpu_policy: attest_gpu: expected true or false");
	bad_with("\"requirements\":{\"launch_token_hash\":\"22\"}",
		 "requirements: launch_token_hash: expected 32 bytes in hex");
	bad_with("\"requirements\":{\"platforms\":[1]}",
		 "requirements: platforms: element 0: expected a string");
}

static void test_other_wrong_values(void)
{
	bad_with("\"event_log_version\":3", "event_log_version: expected a number from 1 to 2");
	bad_with("\"event_log_version\":0", "event_log_version: expected a number from 1 to 2");
	bad_with("\"snapshotter\":\"btrfs\"",
		 "snapshotter: \"btrfs\" is not one of overlayfs, stargz");
	bad_with("\"allowed_envs\":[1]", "allowed_envs: element 0: expected a string");
	bad_with("\"docker_compose_file\":{}", "docker_compose_file: expected a string");
	bad_with("\"port_policy\":[]", "port_policy: expected an object");
	bad_with("\"port_policy\":{\"ports\":[1]}", "port_policy: ports: expected objects");
	bad_with("\"port_policy\":{\"ports\":[{}]}", "port_policy.ports: port: missing");
	bad_with("\"port_policy\":{\"ports\":[{\"port\":65536}]}",
		 "port_policy.ports: port: expected a number from 0 to 65535");
}

static void test_volumes(void)
{
	bad_with("\"verity_volumes\":[1]", "verity_volumes: expected objects");
	bad_with("\"verity_volumes\":[{\"target\":\"/\"}]", "verity_volumes: source: missing");
	bad_with("\"verity_volumes\":[{\"source\":\"a\",\"target\":\"/\"}]",
		 "verity_volumes: verity_root: missing");
	bad_with("\"verity_volumes\":[{\"source\":\"a\",\"verity_root\":\"00\",\"target\":\"/\"}]",
		 "verity_volumes: verity_root: expected 32 bytes in hex");
	bad_with("\"verity_volumes\":[{\"source\":\"a\",\"verity_root\":\"" HEX32
		 "\",\"target\":\"x\"}]",
		 "verity_volumes: target: expected an absolute path");
	bad_with("\"verity_volumes\":[{\"source\":\"a\",\"verity_root\":\"" HEX32
		 "\",\"target\":\"/x\"},"
		 "{\"source\":\"b\",\"verity_root\":\"" HEX32 "\",\"target\":\"/x\"}]",
		 "verity_volumes: target: given to two volumes");
}

static void refused(const char *text, const char *message)
{
	struct app_compose *c = good(text);
	struct err e = ERR_NONE;

	assert(app_compose_check(c, &e) == ERR_INPUT);
	if (strcmp(e.text, message) != 0)
		(void)fprintf(stderr, "got %s\nexpected %s\n", e.text, message);
	assert(strcmp(e.text, message) == 0);
	app_compose_free(c);
}

static void test_check_refuses_what_no_guest_runs(void)
{
	refused("{\"manifest_version\":\"4\",\"name\":\"\",\"runner\":\"bash\"}",
		"Unsupported manifest_version: 4, max supported: 3");
	refused("{\"manifest_version\":2,\"name\":\"\",\"runner\":\"bash\",\"requirements\":{}}",
		"requirements needs manifest_version \"3\" or newer, not 2");
	refused("{\"manifest_version\":2,\"name\":\"\",\"runner\":\"nerdctl-compose\"}",
		"runner nerdctl-compose needs manifest_version \"3\" or newer, not 2");
	refused("{\"manifest_version\":1,\"name\":\"\",\"runner\":\"bash\",\"init_script\":[\"\","
		"\"\"]}",
		"more than one init script needs manifest_version \"3\" or newer, not 1");
	refused("{\"manifest_version\":1,\"name\":\"\",\"runner\":\"bash\",\"snapshotter\":"
		"\"stargz\"}",
		"snapshotter is only for runner nerdctl-compose");
}

int main(void)
{
	test_defaults();
	test_everything_written();
	test_null_is_absent_only_where_it_may_be();
	test_manifest_version();
	test_required_keys();
	test_gateway_by_any_name();
	test_key_provider_in_effect();
	test_init_scripts();
	test_swap_size();
	test_requirements();
	test_requirements_deny_the_unknown();
	test_other_wrong_values();
	test_volumes();
	test_check_refuses_what_no_guest_runs();
	return 0;
}
