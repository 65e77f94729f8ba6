/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "measure/machine.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "data/sys_vm_config.h"

/* Read @text and take the machine of it.  Return: of either. */
static int machine(const char *text, struct machine *ret, struct err *e)
{
	struct sys_vm_config vm;
	json_t *doc = NULL;
	int rc = sys_vm_config_parse(text, strlen(text), &doc, &vm, e);

	if (rc == 0)
		rc = machine_of(&vm, ret, e);
	json_decref(doc);
	return rc;
}

static void test_what_is_not_said_is_what_verifiers_take(void)
{
	struct machine m;
	struct err e;

	assert(machine("{\"cpu_count\":4,\"memory_size\":2147483648}", &m, &e) == 0);
	assert(m.shape.cpus == 4 && m.shape.memory == UINT64_C(2) << 30 && m.shape.nics == 1);
	assert(strcmp(m.qemu_version, "9.1.0") == 0 && !m.shape.pic && !m.two_pass);
	assert(m.shape.share == ACPI_SHARE_9P && m.shape.root_verity && m.shape.nodes == 0);
	assert(machine("{\"root_disk\":false}", &m, &e) == 0 && !m.shape.root_verity);
	assert(!m.shape.smm && !m.shape.no_vsock && !m.shape.no_data_disk);
}

static void test_qemu_8_has_habits_of_its_own(void)
{
	struct machine m;
	struct err e;

	assert(machine("{\"qemu_version\":\"8.2.2\"}", &m, &e) == 0 && m.shape.pic && m.two_pass);
	assert(machine("{\"qemu_version\":\"8.2.2\",\"pic\":false,"
		       "\"qemu_single_pass_add_pages\":false}",
		       &m, &e) == 0 &&
	       !m.shape.pic && !m.two_pass);
	/* as its name does not say: true is two passes */
	assert(machine("{\"qemu_version\":\"9.2.1\",\"qemu_single_pass_add_pages\":true}", &m,
		       &e) == 0 &&
	       !m.shape.pic && m.two_pass);
	assert(machine("{\"qemu_version\":\"7.2.22\"}", &m, &e) == 0 && m.shape.pic && m.two_pass);
	assert(machine("{\"qemu_version\":\"10.1.0\",\"pic\":null}", &m, &e) == 0 && !m.shape.pic);
}

static void test_devices_are_counted(void)
{
	struct machine m;
	struct err e;

	assert(machine("{\"num_gpus\":8,\"num_nvswitches\":4,\"num_nics\":2,\"num_verity_volumes\":"
		       "3,"
		       "\"hugepages\":true,\"hotplug_off\":true,\"pci_hole64_size\":17592186044416,"
		       "\"host_share_mode\":\"vhd\"}",
		       &m, &e) == 0);
	assert(m.shape.gpus == 8 && m.shape.nvswitches == 4 && m.shape.nics == 2);
	assert(m.shape.volumes == 3 && m.shape.nodes == 1 && m.shape.hotplug_off);
	assert(m.shape.pci_hole64_size == UINT64_C(17592186044416));
	assert(m.shape.share == ACPI_SHARE_DISK);
}

static void test_what_cannot_be_measured_is_refused(void)
{
	static const struct {
		const char *text, *says;
	} bad[] = {
		{ "{\"swtpm\":true}", "swtpm" },
		{ "{\"ovmf_variant\":\"stable202505\"}", "ovmf_variant" },
		{ "{\"qemu_version\":\"6.2.0\"}", "6.2.0 is older" },
		{ "{\"qemu_version\":\"9.1\"}", "not like 9.2.1" },
		{ "{\"qemu_version\":\"9.0.0-rc1\"}", "not like 9.2.1" },
		{ "{\"qemu_version\":\"9.0.0.1\"}", "not like 9.2.1" },
		{ "{\"qemu_version\":\"\"}", "not like 9.2.1" },
		{ "{\"qemu_version\":\"99999999999.0.0\"}", "not like 9.2.1" },
		{ "{\"host_share_mode\":\"nfs\\u001b\"}", "nfs\\x1b" },
		{ "{\"pic\":1}", "pic" },
		{ "{\"tdx_measurement\":{\"checksum_file\":\"\"}}", "measurement" },
		{ "{\"tdx_measurement\":1}", "tdx_measurement" },
		{ "[]", "expected an object" },
		{ "{\"cpu_count\":1,\"cpu_count\":2}", "vm_config" },
	};
	struct machine m;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert(machine(bad[i].text, &m, &e) == ERR_INPUT);
		assert(strstr(e.text, bad[i].says));
	}
}

int main(void)
{
	test_what_is_not_said_is_what_verifiers_take();
	test_qemu_8_has_habits_of_its_own();
	test_devices_are_counted();
	test_what_cannot_be_measured_is_refused();
	return 0;
}
