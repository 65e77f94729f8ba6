/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "kms/allow.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "kms/grant.h"
#include "tee/boot_info.h"

enum { TEXT_MAX = 4096 };

#define H32(byte)                                                                                  \
	byte byte byte byte byte byte byte byte byte byte byte byte byte byte byte byte byte byte  \
		byte byte byte byte byte byte byte byte byte byte byte byte byte byte
#define H20(byte)                                                                                  \
	byte byte byte byte byte byte byte byte byte byte byte byte byte byte byte byte byte byte  \
		byte byte

static struct boot_info machine(void)
{
	static char none[] = "";
	struct boot_info b = { .n_instance_id = BOOT_INFO_ID_SIZE, .tcb_status = TCB_UP_TO_DATE };

	memset(b.app_id, 0x11, sizeof(b.app_id));
	memset(b.compose_hash, 0x22, sizeof(b.compose_hash));
	memset(b.os_image_hash, 0xab, sizeof(b.os_image_hash));
	memset(b.mr_aggregated, 0x44, sizeof(b.mr_aggregated));
	memset(b.device_id, 0x55, sizeof(b.device_id));
	b.key_provider_info = none;
	return b;
}

static int parse(const char *text, struct allow *ret, struct err *e)
{
	*e = ERR_NONE;
	return allow_parse(text, strlen(text), "allow.yaml", ret, e);
}

/* What the list says: the reason of a no, "" for a yes. */
static bool says(const char *text, const struct boot_info *b, bool is_kms, const char *reason)
{
	struct allow a;
	struct grant g;
	struct err e;
	bool is_right;

	assert(parse(text, &a, &e) == 0);
	if (is_kms)
		allow_kms(&a, b, &g);
	else
		allow_app(&a, b, &g);
	is_right =
		*reason ? !g.is_allowed && str_equal(g.reason, reason) : g.is_allowed && *g.reason;
	if (!is_right)
		(void)fprintf(stderr, "%d %s\n", g.is_allowed, g.reason);
	allow_deinit(&a);
	return is_right;
}

static const char of_11[] = H20("11"), of_22[] = H32("22"), of_44[] = H32("44");
static const char of_54[] = H32("54"), of_55[] = H32("55");
static const char image[] = "os_images: [ " H32("ab") " ]\n";

static void test_an_empty_list_allows_nobody(void)
{
	struct boot_info b = machine();

	assert(says("", &b, false, "OS image is not allowed"));
	assert(says("", &b, true, "OS image is not allowed"));
	assert(says("os_images: []\napps: []\n", &b, false, "OS image is not allowed"));
	assert(says(image, &b, false, "app not registered"));
	assert(says(image, &b, true, "aggregated MR not allowed"));
}

static void test_each_member_counts(void)
{
	auto_buf struct buf t = BUF_MAX(TEXT_MAX);
	struct boot_info b = machine();

	assert(buf_addf(&t, "%sapps: [ { id: 0x%s, compose_hashes: [ %s, %s ] } ]\n", image, of_11,
			of_44, of_22) == 0);
	assert(says((const char *)t.p, &b, false, ""));
	b.app_id[19] ^= 1;
	assert(says((const char *)t.p, &b, false, "app not registered"));
	b = machine();
	b.compose_hash[31] ^= 1;
	assert(says((const char *)t.p, &b, false, "compose hash not allowed"));
	b = machine();
	b.os_image_hash[0] ^= 1;
	assert(says((const char *)t.p, &b, false, "OS image is not allowed"));
	b = machine();
	b.n_advisories = 2;
	(void)str_copy(b.advisories[0], QUOTE_ADVISORY_SIZE, "INTEL-SA-00001");
	(void)str_copy(b.advisories[1], QUOTE_ADVISORY_SIZE, "INTEL-SA-00002");
	assert(says((const char *)t.p, &b, false, "advisory ID is not allowed"));
	assert(buf_add_str(&t, "advisories: [ INTEL-SA-00001 ]\n") == 0);
	assert(says((const char *)t.p, &b, false, "advisory ID is not allowed"));
	b.n_advisories = 1;
	assert(says((const char *)t.p, &b, false, ""));
	assert(buf_add_str(&t, "tcb_statuses: [ UpToDate ]\n") == 0);
	assert(says((const char *)t.p, &b, false, ""));
	b.tcb_status = TCB_OUT_OF_DATE;
	assert(says((const char *)t.p, &b, false, "TCB status is not allowed"));
	b.tcb_status = TCB_NONE;
	assert(says((const char *)t.p, &b, false, "TCB status is not allowed"));
}

static void test_devices_are_any_unless_listed(void)
{
	struct boot_info b = machine();
	auto_buf struct buf t = BUF_MAX(TEXT_MAX);

	assert(buf_addf(&t, "%sapps: [ { id: %s, compose_hashes: [ %s ], devices: [ %s ] } ]\n",
			image, of_11, of_22, of_54) == 0);
	assert(buf_addf(&t, "kms: { mr_aggregated: [ %s ], devices: [ %s ] }\n", of_44, of_55) ==
	       0);
	assert(says((const char *)t.p, &b, false, "app is not allowed to boot on this device"));
	assert(says((const char *)t.p, &b, true, ""));
	memset(b.device_id, 0x54, sizeof(b.device_id));
	assert(says((const char *)t.p, &b, false, ""));
	assert(says((const char *)t.p, &b, true, "KMS is not allowed to boot on this device"));
	b.mr_aggregated[3] ^= 1;
	assert(says((const char *)t.p, &b, true, "aggregated MR not allowed"));
}

static void test_what_is_no_list(void)
{
	static const char *const bad[] = {
		"os_images: [ ab ]\n",
		"os_images: [ " H32("zz") " ]\n",
		"os_images: " H32("ab") "\n",
		"apps: [ { compose_hashes: [] } ]\n",
		"apps: [ { id: " H20("1") " } ]\n",
		"apps: [ { id: " H20("ab") " }, { id: 0x" H20("AB") " } ]\n",
		"tcb_statuses: [ Revoked ]\n",
		"tcb_statuses: [ Fine ]\n",
		"gateway_app_id: any\n",
		"unknown: 1\n",
		"os_images: []\nos_images: []\n",
		"kms: { mr_aggregated: [ 1 ] }\n",
		"\x01",
	};
	struct allow a;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert(parse(bad[i], &a, &e) < 0);
		assert(strstr(e.text, "allow.yaml:1") || strstr(e.text, "allow.yaml:2"));
	}
}

static void test_the_gateway(void)
{
	struct boot_info b = machine();
	struct allow a;
	struct grant g;
	struct err e;

	assert(parse("gateway_app_id: 0x" H20("cd") "\n", &a, &e) == 0);
	allow_app(&a, &b, &g);
	assert(str_equal(g.gateway_app_id, H20("cd")) && str_equal(allow_gateway(&a), H20("cd")));
	allow_deinit(&a);
	allow_deinit(&a);
}

int main(void)
{
	test_an_empty_list_allows_nobody();
	test_each_member_counts();
	test_devices_are_any_unless_listed();
	test_what_is_no_list();
	test_the_gateway();
	return 0;
}
