/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "data/sys_config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

static struct sys_config *good(const char *text)
{
	struct sys_config *c = NULL;
	struct err e = ERR_NONE;
	int rc = sys_config_parse(text, strlen(text), &c, &e);

	if (rc < 0)
		(void)fprintf(stderr, "%s\n", e.text);
	assert(rc == 0);
	return c;
}

static void bad(const char *text, const char *message)
{
	struct sys_config *c = NULL;
	struct err e = ERR_NONE;
	int rc = sys_config_parse(text, strlen(text), &c, &e);

	if (rc != ERR_INPUT || strcmp(e.text, message) != 0)
		(void)fprintf(stderr, "got %d: %s\nexpected: %s\n", rc, e.text, message);
	assert(rc == ERR_INPUT && strcmp(e.text, message) == 0 && !c);
}

static void test_only_vm_config_is_needed(void)
{
	struct sys_config *c = good("{\"vm_config\":\"{}\",\"more\":1}");

	assert(c->kms_urls.n == 0 && c->gateway_urls.n == 0 && !c->pccs_url && !c->host_api_url);
	assert(strcmp(c->vm_config, "{}") == 0 && !c->mr_config && c->vm.num_nics == 1);
	assert(!c->vm.has_os_image_hash && !c->vm.is_lite && !c->vm.hugepages);
	assert(sys_config_host_api(c, &(struct sys_host_api){ .cid = 0 }, NULL) == ERR_NOT_FOUND);
	sys_config_free(c);
	sys_config_free(NULL);
	bad("{}", ".sys-config.json: vm_config: missing");
}

/* As the host's daemon writes it. */
static void test_a_whole_file(void)
{
	struct sys_config *c = good(
		"{\"kms_urls\":[\"https://k1\",\"https://k2\"],\"gateway_urls\":[\"https://g\"],"
		"\"pccs_url\":\"\",\"collateral_urls\":{\"pccs\":\"https://p\"},"
		"\"nvidia_attestation_proxy_url\":null,\"docker_registry\":\"\","
		"\"host_api_url\":\"vsock://2:10000/"
		"api\",\"vm_config\":\"{\\\"os_image_hash\\\":\\\""
		"0b3200000000000000000000000000000000000000000000000000000000000f\\\","
		"\\\"cpu_count\\\":2,\\\"memory_size\\\":1073741824,\\\"qemu_version\\\":\\\"10.1."
		"0\\\","
		"\\\"pci_hole64_size\\\":0,\\\"hugepages\\\":true,\\\"num_gpus\\\":0,\\\"num_"
		"nvswitches\\\":0,"
		"\\\"hotplug_off\\\":false,\\\"image\\\":\\\"dstack-0.6.0\\\",\\\"host_share_"
		"mode\\\":\\\"9p\\\","
		"\\\"ovmf_variant\\\":\\\"pre202505\\\",\\\"spec_version\\\":1,"
		"\\\"tdx_attestation_variant\\\":\\\"lite\\\",\\\"mr_config\\\":\\\"inner\\\"}\","
		"\"mr_config\":\"\"}");
	struct sys_host_api api;

	assert(c->kms_urls.n == 2 && strcmp(c->kms_urls.p[1], "https://k2") == 0);
	assert(c->gateway_urls.n == 1 && strcmp(c->collateral_pccs, "https://p") == 0);
	assert(!c->collateral_amd_kds && !c->nvidia_attestation_proxy_url &&
	       c->docker_registry[0] == 0);
	assert(c->vm.has_os_image_hash && c->vm.os_image_hash[0] == 0x0b &&
	       c->vm.os_image_hash[31] == 0x0f);
	assert(c->vm.cpu_count == 2 && c->vm.memory_size == 1ull << 30 && c->vm.hugepages &&
	       c->vm.is_lite);
	assert(strcmp(c->vm.image, "dstack-0.6.0") == 0 &&
	       strcmp(c->vm.qemu_version, "10.1.0") == 0);
	assert(strcmp(c->mr_config, "inner") == 0);
	assert(sys_config_host_api(c, &api, NULL) == 0 && api.cid == 2 && api.port == 10000);
	assert(strcmp(api.prefix, "/api") == 0);
	sys_config_free(c);
}

static void test_older_names(void)
{
	struct sys_config *c = good("{\"tproxy_urls\":[\"https://g\"],\"vm_config\":\"{}\"}");

	assert(c->gateway_urls.n == 1);
	sys_config_free(c);
	bad("{\"tproxy_urls\":[],\"gateway_urls\":[],\"vm_config\":\"{}\"}",
	    ".sys-config.json: tproxy_urls: is another name of gateway_urls, which is there too");
}

static void test_own_mr_config_comes_first(void)
{
	struct sys_config *c =
		good("{\"vm_config\":\"{\\\"mr_config\\\":\\\"in\\\"}\",\"mr_config\":\"out\"}");

	assert(strcmp(c->mr_config, "out") == 0);
	sys_config_free(c);
	c = good("{\"vm_config\":\"{\\\"mr_config\\\":\\\"\\\"}\"}");
	assert(!c->mr_config);
	sys_config_free(c);
}

static void test_wrong_values(void)
{
	static char big[SYS_CONFIG_MAX + 2];
	struct sys_config *c = NULL;
	struct err e = ERR_NONE;

	bad("[]", ".sys-config.json: expected an object");
	bad("{\"kms_urls\":\"x\",\"vm_config\":\"{}\"}",
	    ".sys-config.json: kms_urls: expected a list");
	bad("{\"kms_urls\":[1],\"vm_config\":\"{}\"}",
	    ".sys-config.json: kms_urls: element 0: expected a string");
	bad("{\"vm_config\":{}}", ".sys-config.json: vm_config: expected a string");
	bad("{\"vm_config\":\"[]\"}", ".sys-config.json: vm_config: expected an object");
	bad("{\"vm_config\":\"\"}", ".sys-config.json: vm_config: empty, expected JSON");
	bad("{\"vm_config\":\"{\\\"cpu_count\\\":-1}\"}",
	    ".sys-config.json: vm_config: cpu_count: expected a number from 0 to 4294967295");
	bad("{\"vm_config\":\"{\\\"os_image_hash\\\":\\\"00\\\"}\"}",
	    ".sys-config.json: vm_config: os_image_hash: expected 32 bytes in hex");
	bad("{\"vm_config\":\"{\\\"tdx_attestation_variant\\\":\\\"x\\\"}\"}",
	    ".sys-config.json: vm_config: tdx_attestation_variant: \"x\" is not one of legacy, "
	    "lite");
	bad("{\"collateral_urls\":{\"root_ca\":\"x\"},\"vm_config\":\"{}\"}",
	    ".sys-config.json: collateral_urls: root_ca: unknown key");
	bad("{\"collateral_urls\":{\"pccs\":1},\"vm_config\":\"{}\"}",
	    ".sys-config.json: collateral_urls: pccs: expected a string");
	memset(big, ' ', SYS_CONFIG_MAX + 1);
	assert(sys_config_parse(big, SYS_CONFIG_MAX + 1, &c, &e) == ERR_LIMIT && !c);
}

static void test_too_many_urls(void)
{
	auto_buf struct buf text = BUF_MAX(1024);
	struct sys_config *c = NULL;
	struct err e = ERR_NONE;
	int i;

	assert(buf_add_str(&text, "{\"vm_config\":\"{}\",\"kms_urls\":[\"\"") == 0);
	for (i = 0; i < SYS_CONFIG_URLS_MAX; i++)
		assert(buf_add_str(&text, ",\"\"") == 0);
	assert(buf_add_str(&text, "]}") == 0);
	assert(sys_config_parse(text.p, text.n, &c, &e) == ERR_INPUT);
	assert(strcmp(e.text, ".sys-config.json: kms_urls: has 65 elements, at most 64") == 0);
}

static int host_api(const char *url, struct sys_host_api *ret)
{
	auto_free char *text = xasprintf("{\"vm_config\":\"{}\",\"host_api_url\":\"%s\"}", url);
	struct sys_config *c = good(text);
	int rc = sys_config_host_api(c, ret, NULL);

	sys_config_free(c);
	return rc;
}

static void test_host_api_urls(void)
{
	static const char *const wrong[] = { "http://2:10000/api",
					     "vsock://2/api",
					     "vsock://2:/api",
					     "vsock://:1/api",
					     "vsock://2:1x/api",
					     "vsock://2:4294967296/api",
					     "vsock://99999999999:1",
					     "vsock://0x2:1",
					     "vsock://2:1/a b",
					     "vsock://2:1/a\\r\\nX: y",
					     "vsock://2:0/api",
					     "2:10000/api",
					     "vsock://2:00000000000000000001/" };
	struct sys_host_api api;
	size_t i;

	assert(host_api("vsock://4294967295:1", &api) == 0 && api.cid == UINT32_MAX &&
	       api.port == 1);
	assert(host_api("", &api) == ERR_NOT_FOUND);
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert(host_api(wrong[i], &api) == ERR_INPUT);
}

int main(void)
{
	test_only_vm_config_is_needed();
	test_a_whole_file();
	test_older_names();
	test_own_mr_config_comes_first();
	test_wrong_values();
	test_too_many_urls();
	test_host_api_urls();
	return 0;
}
