/* SPDX-License-Identifier: Apache-2.0 */
#include "store/vm_config.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "data/sys_config.h"
#include "store/image.h"

#define DIGEST "0b32aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct image image(void)
{
	static char rootfs[] = "/image/rootfs.img.parted.verity";
	struct image im = { .name = "dstack-0.6.0",
			    .digest = DIGEST,
			    .version = { 0, 6, 0 },
			    .rootfs = rootfs,
			    .is_pre202505 = true };

	im.sums = BUF_MAX(IMAGE_SUMS_MAX);
	im.tdx_measurement = BUF_MAX(IMAGE_MEASUREMENT_MAX);
	assert(buf_add_str(&im.sums, "sums") == 0 &&
	       buf_add_str(&im.tdx_measurement, "\x01\x02") == 0);
	return im;
}

static void image_done(struct image *im)
{
	buf_deinit(&im->sums);
	buf_deinit(&im->tdx_measurement);
}

static struct vm_config_spec spec(const struct image *im)
{
	return (struct vm_config_spec){
		.image = im,
		.cpu_count = 2,
		.memory_mib = 1024,
		.qemu_version = "10.1.0",
		.n_nics = 1,
		.share_mode = "9p",
		.is_tdx = true,
		.measure_acpi = -1,
	};
}

static void is_text(const struct vm_config_spec *s, const char *want)
{
	char *text;

	assert(vm_config_text(s, &text, NULL) == 0);
	if (!str_equal(text, want)) {
		(void)fprintf(stderr, "%s\n", text);
		abort();
	}
	free(text);
}

#define MEASUREMENT "\"tdx_measurement\":{\"checksum_file\":\"c3Vtcw==\",\"measurement\":\"AQI=\"}"

static void test_the_documented_example(void)
{
	struct image im = image();
	struct vm_config_spec s = spec(&im);

	is_text(&s, "{\"os_image_hash\":\"" DIGEST "\",\"cpu_count\":2,\"memory_size\":1073741824,"
		    "\"qemu_version\":\"10.1.0\",\"pci_hole64_size\":0,\"hugepages\":false,\"num_"
		    "gpus\":0,"
		    "\"num_nvswitches\":0,\"hotplug_off\":false,\"image\":\"dstack-0.6.0\",\"host_"
		    "share_mode\":\"9p\","
		    "\"ovmf_variant\":\"pre202505\"," MEASUREMENT ",\"spec_version\":1}");
	image_done(&im);
}

static void test_an_image_without_a_root_disk_says_so_to_verifiers(void)
{
	struct image im = image();
	struct vm_config_spec s = spec(&im);
	char *text;

	im.rootfs = NULL;
	assert(vm_config_text(&s, &text, NULL) == 0);
	assert(strstr(text, "\"root_disk\":false"));
	free(text);
	s.is_tdx = false;
	assert(vm_config_text(&s, &text, NULL) == 0 && !strstr(text, "root_disk"));
	free(text);
	image_done(&im);
}

static void test_what_is_absent_without_a_tee(void)
{
	struct image im = { .name = "bailey-0.1.0", .version = { 0, 6, 0 } };
	struct vm_config_spec s = spec(&im);

	s.is_tdx = false;
	s.qemu_version = "";
	s.n_nics = 2;
	s.n_volumes = 3;
	s.swtpm = true;
	s.hotplug_off = true;
	s.share_mode = "vhd";
	s.pci_hole64_size = 0x8000000000;
	s.memory_mib = 4096;
	is_text(&s, "{\"os_image_hash\":\"\",\"cpu_count\":2,\"memory_size\":4294967296,\"pci_"
		    "hole64_size\":549755813888,"
		    "\"hugepages\":false,\"num_gpus\":0,\"num_nvswitches\":0,\"num_nics\":2,\"num_"
		    "verity_volumes\":3,"
		    "\"swtpm\":true,\"hotplug_off\":true,\"image\":\"bailey-0.1.0\",\"host_share_"
		    "mode\":\"vhd\","
		    "\"spec_version\":1}");
}

static bool is_lite(const struct vm_config_spec *s)
{
	char *text;
	bool found;

	assert(vm_config_text(s, &text, NULL) == 0);
	found = strstr(text, "\"tdx_attestation_variant\":\"lite\"");
	free(text);
	return found;
}

static void test_which_attestation_variant(void)
{
	struct image im = image();
	struct vm_config_spec s = spec(&im);
	struct err e;
	char *text;

	assert(!is_lite(&s)); /* 1 GiB */
	s.memory_mib = 2048;
	assert(is_lite(&s));
	s.memory_mib = 3071;
	assert(!is_lite(&s));
	s.memory_mib = 3072;
	assert(is_lite(&s));
	s.variant = VM_CONFIG_LEGACY;
	assert(!is_lite(&s));
	s.measure_acpi = 0; /* the app's word counts more */
	assert(is_lite(&s));
	s.variant = VM_CONFIG_LITE;
	s.measure_acpi = 1;
	assert(!is_lite(&s));
	s.measure_acpi = -1;
	s.memory_mib = 512;
	assert(is_lite(&s));

	buf_deinit(&im.tdx_measurement);
	im.tdx_measurement.n = 0;
	assert(vm_config_text(&s, &text, &e) == ERR_MISSING &&
	       strstr(e.text, "measurement.tdx.cbor"));
	s.variant = VM_CONFIG_AUTO;
	s.memory_mib = 4096;
	assert(!is_lite(&s));
	s.is_tdx = false;
	s.variant = VM_CONFIG_LITE;
	assert(!is_lite(&s));
	image_done(&im);
}

static void test_a_simulated_tee_has_the_document_too(void)
{
	struct image im = image();
	struct vm_config_spec s = spec(&im);
	auto_free char *text = NULL, *other = NULL;

	s.is_tdx = false;
	assert(vm_config_text(&s, &text, NULL) == 0 && !strstr(text, "tdx_measurement"));
	s.is_simulated = true;
	assert(vm_config_text(&s, &other, NULL) == 0 && strstr(other, MEASUREMENT) &&
	       !strstr(other, "tdx_attestation_variant"));
	image_done(&im);
}

static void test_a_guest_reads_what_we_write(void)
{
	static const char *const kms[] = { "https://kms-1", "https://kms-2" };
	static const char *const gateways[] = { "https://gw" };
	struct image im = image();
	struct vm_config_spec s = spec(&im);
	struct sys_config *c;
	struct sys_host_api api;
	char *text;
	size_t n;

	s.kms_urls = kms;
	s.n_kms_urls = 2;
	s.gateway_urls = gateways;
	s.n_gateway_urls = 1;
	s.pccs_url = "https://pccs";
	s.mr_config = "{\"version\":3}";
	assert(vm_config_sys(&s, &text, &n, NULL) == 0 && n == strlen(text));
	assert(strstr(text, "\"nvidia_attestation_proxy_url\":null") &&
	       strstr(text, "\"docker_registry\":\"\""));
	assert(strstr(text, "\"collateral_urls\":{\"pccs\":\"https://pccs\"}"));
	assert(!strstr(text, "root_ca") && !strstr(text, "trust_anchor"));
	assert(sys_config_parse(text, n, &c, NULL) == 0);
	assert(c->kms_urls.n == 2 && str_equal(c->kms_urls.p[1], "https://kms-2") &&
	       c->gateway_urls.n == 1);
	assert(c->vm.cpu_count == 2 && c->vm.memory_size == 1073741824 && c->vm.has_os_image_hash);
	assert(str_equal(c->mr_config, s.mr_config) && str_equal(c->vm.image, "dstack-0.6.0"));
	assert(sys_config_host_api(c, &api, NULL) == 0 && api.cid == 2 && api.port == 10000);
	sys_config_free(c);
	free(text);
	image_done(&im);
}

static void test_too_large_is_refused(void)
{
	static char url[VM_CONFIG_SYS_MAX];
	const char *const urls[] = { url };
	struct image im = image();
	struct vm_config_spec s = spec(&im);
	struct err e;
	char *text;
	size_t n;

	memset(url, 'u', sizeof(url) - 1);
	s.kms_urls = urls;
	s.n_kms_urls = 1;
	assert(vm_config_sys(&s, &text, &n, &e) == ERR_LIMIT && strstr(e.text, "32768"));
	image_done(&im);
}

static void test_old_images_are_refused(void)
{
	struct image im = image();
	struct vm_config_spec s = spec(&im);
	struct err e;
	char *text;
	size_t n;

	im.version = (struct image_version){ 0, 4, 9 };
	assert(vm_config_sys(&s, &text, &n, &e) == ERR_INPUT);
	assert(str_equal(e.text, "Unsupported image version: (0, 4, 9)"));
	image_done(&im);
}

static void test_the_simulator_s_file(void)
{
	struct image im = image();
	struct vm_config_spec s = spec(&im);
	json_t *o;
	char *text, *vm;
	size_t n;

	s.is_tdx = false;
	assert(vm_config_simulator(&s, "dstack-tdx", NULL, NULL, &text, &n, NULL) == 0);
	assert(json_parse(text, n, 65536, "x", &o, NULL) == 0 && json_object_size(o) == 2);
	assert(vm_config_text(&s, &vm, NULL) == 0);
	assert(str_equal(json_get_str(o, "platform", ""), "dstack-tdx") &&
	       str_equal(json_get_str(o, "vm_config", ""), vm));
	json_decref(o);
	free(text);
	assert(vm_config_simulator(&s, "dstack-tdx", DIGEST, "http://c", &text, &n, NULL) == 0);
	assert(strstr(text, "\"mock_attestation_seed\":\"" DIGEST
			    "\",\"collateral_base_url\":\"http://c\""));
	free(text);
	free(vm);
	image_done(&im);
}

int main(void)
{
	test_the_documented_example();
	test_an_image_without_a_root_disk_says_so_to_verifiers();
	test_what_is_absent_without_a_tee();
	test_which_attestation_variant();
	test_a_simulated_tee_has_the_document_too();
	test_a_guest_reads_what_we_write();
	test_too_large_is_refused();
	test_old_images_are_refused();
	test_the_simulator_s_file();
	return 0;
}
