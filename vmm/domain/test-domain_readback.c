/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/domain_readback.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"

#define DISK(slot) "<disk><source file='/x'/><address type='pci' slot='" slot "'/></disk>"

static const char sent[] =
	"<domain type='qemu'><name>a &amp; b</name><devices>" DISK("0x01") "</devices></domain>";

static void is_refused(const char *got, const char *text)
{
	struct err e = ERR_NONE;

	assert(domain_readback(sent, got, &e) == ERR_HYPERVISOR);
	assert(strstr(e.text, text));
}

static void test_additions_without_a_slot_are_fine(void)
{
	assert(domain_readback(sent, sent, NULL) == 0);
	assert(domain_readback(sent,
			       "<domain type='qemu' id='7'>\n <name>\n a &amp; b "
			       "</name><devices><emulator>/q</emulator>" DISK(
				       "0x01") "<input type='mouse'/><controller "
					       "type='sata'><address type='pci' slot='0x1f'/>"
					       "</controller></devices><seclabel/></domain>",
			       NULL) == 0);
}

static void test_what_is_dropped_is_named(void)
{
	is_refused("<domain type='qemu'><name>a &amp; b</name><devices><disk><source "
		   "file='/x'/></disk></devices></domain>",
		   "/domain/devices/disk/address");
	is_refused("<domain type='qemu'><devices>" DISK("0x01") "</devices></domain>",
		   "/domain/name");
}

static void test_what_is_changed_is_named(void)
{
	is_refused("<domain type='kvm'><name>a &amp; b</name><devices>" DISK(
			   "0x01") "</devices></domain>",
		   "/domain@type=qemu");
	is_refused("<domain type='qemu'><name>a &amp; b</name><devices>" DISK(
			   "0x02") "</devices></domain>",
		   "slot=0x0");
	is_refused("<domain type='qemu'><name>c</name><devices>" DISK("0x01") "</devices></domain>",
		   "/domain/name=a & b");
}

static void test_an_added_device_is_named(void)
{
	is_refused(
		"<domain type='qemu'><name>a &amp; b</name><devices>" DISK(
			"0x01") "<rng><address type='pci' slot='0x02'/></rng></devices></domain>",
		"added a device");
	is_refused("<domain type='qemu'><name>a &amp; b</name><devices>" DISK(
			   "0x01") "<controller><address type='pci' "
				   "slot='0x02'/></controller></devices></domain>",
		   "added a device");
	is_refused("<domain type='qemu'><name>a &amp; b</name><devices>" DISK("0x01")
			   DISK("0x01") "</devices></domain>",
		   "added a device");
}

static void test_not_xml_is_refused(void)
{
	static const char *const bad[] = { "", "<domain>", "x", "<a></b>",
					   "<!DOCTYPE a [<!ENTITY x 'y'>]>" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(domain_readback(sent, bad[i], NULL) < 0);
}

int main(void)
{
	test_additions_without_a_slot_are_fine();
	test_what_is_dropped_is_named();
	test_what_is_changed_is_named();
	test_an_added_device_is_named();
	test_not_xml_is_refused();
	return 0;
}
