/* SPDX-License-Identifier: Apache-2.0 */
#include "store/image_metadata.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

#define LEAST "\"kernel\":\"k\",\"initrd\":\"i\""

static void describes(const char *json, const char *want)
{
	struct image_metadata m;
	char *text;

	assert(image_metadata_parse(json, strlen(json), &m, NULL) == 0);
	text = image_metadata_describe(&m);
	assert(str_equal(text, want));
	free(text);
	image_metadata_deinit(&m);
}

static void test_every_key_is_read_and_described_in_order(void)
{
	describes(
		"{" LEAST "}",
		"{\"cmdline\":null,\"kernel\":\"k\",\"initrd\":\"i\",\"hda\":null,\"rootfs\":null,"
		"\"bios\":null,\"bios-sev\":null,\"rootfs_hash\":null,\"shared_ro\":false,"
		"\"version\":\"\",\"is_dev\":false,\"ovmf_variant\":null}");
	describes("{" LEAST ",\"cmdline\":\"c\",\"hda\":\"h\",\"rootfs\":\"r\",\"bios\":\"b\","
		  "\"bios-sev\":\"s\","
		  "\"rootfs_hash\":\"x\",\"shared_ro\":true,\"version\":\"1.2.3\",\"is_dev\":true,"
		  "\"ovmf_variant\":\"pre202505\",\"git_revision\":7,\"other\":[]}",
		  "{\"cmdline\":\"c\",\"kernel\":\"k\",\"initrd\":\"i\",\"hda\":\"h\",\"rootfs\":"
		  "\"r\",\"bios\":\"b\","
		  "\"bios-sev\":\"s\",\"rootfs_hash\":\"x\",\"shared_ro\":true,\"version\":\"1.2."
		  "3\",\"is_dev\":true,"
		  "\"ovmf_variant\":\"pre202505\"}");
}

static void test_what_is_wrong_is_named(void)
{
	static const struct {
		const char *json, *text;
	} rows[] = {
		{ "", "metadata.json" },
		{ "[]", "must be an object" },
		{ "{\"kernel\":\"k\"}", "initrd: missing" },
		{ "{\"initrd\":\"i\"}", "kernel: missing" },
		{ "{\"kernel\":1,\"initrd\":\"i\"}", "kernel: must be a string" },
		{ "{" LEAST ",\"is_dev\":\"yes\"}", "is_dev: must be true or false" },
		{ "{" LEAST ",\"shared_ro\":1}", "shared_ro" },
		{ "{" LEAST ",\"ovmf_variant\":\"x\"}", "ovmf_variant" },
		{ "{" LEAST ",\"ovmf_variant\":2}", "ovmf_variant" },
		{ "{" LEAST ",\"kernel\":\"again\"}", "metadata.json" },
	};
	struct image_metadata m;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert(image_metadata_parse(rows[i].json, strlen(rows[i].json), &m, &e) ==
		       ERR_CORRUPT);
		assert(strstr(e.text, rows[i].text));
	}
}

static void test_versions(void)
{
	static const struct {
		const char *text;
		int is_version;
		struct image_version v;
	} rows[] = {
		{ "0.6.0", 1, { 0, 6, 0 } },	  { "65535.0.1", 1, { 65535, 0, 1 } },
		{ "0.6.0.rc1", 1, { 0, 6, 0 } },  { "0.6.0.", 1, { 0, 6, 0 } },
		{ "0.6.0-rc1", 0, { 0, 0, 0 } },  { "0.6", 0, { 0, 0, 0 } },
		{ "", 0, { 0, 0, 0 } },		  { "65536.0.0", 0, { 0, 0, 0 } },
		{ "a.b.c", 0, { 0, 0, 0 } },	  { "1..2", 0, { 0, 0, 0 } },
		{ "1.2.", 0, { 0, 0, 0 } },	  { "-1.2.3", 0, { 0, 0, 0 } },
		{ "000001.2.3", 0, { 0, 0, 0 } },
	};
	struct image_version v;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		v = (struct image_version){ 0, 0, 0 };
		assert(image_version_parse(rows[i].text, &v) == rows[i].is_version);
		assert(v.major == rows[i].v.major && v.minor == rows[i].v.minor &&
		       v.patch == rows[i].v.patch);
	}
	assert(str_equal(image_version_of_name("dstack-0.6.0"), "0.6.0"));
	assert(str_equal(image_version_of_name("dstack-dev-0.5.2"), "0.5.2"));
	assert(str_equal(image_version_of_name("bailey-0.1.0"), "0.1.0"));
	assert(str_equal(image_version_of_name("other-0.1.0"), ""));
}

int main(void)
{
	test_every_key_is_read_and_described_in_order();
	test_what_is_wrong_is_named();
	test_versions();
	return 0;
}
