/* SPDX-License-Identifier: Apache-2.0 */
/* A folder stands in for /sys: two GPUs on node 0, one on node 1, a bridge, and one that the host uses. */
#include "daemon/gpus.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/vm.h"
#include "loop/child.h"
#include "store/manifest.h"

static char sysfs[] = "/tmp/test-gpus-XXXXXX";
static struct config config = { .gpu_enabled = true, .gpu_allow_all = true };
static struct daemon host = { .config = &config, .sysfs = sysfs };

static void put(const char *name, const char *text)
{
	auto_free char *path = xasprintf("%s/%s", sysfs, name);
	char *slash = strrchr(path, '/');

	*slash = 0;
	assert(file_mkdir_all(path, 0755, NULL) == 0);
	*slash = '/';
	assert(file_replace(AT_FDCWD, path, 0644, text, strlen(text), NULL) == 0);
}

static void device(const char *slot, const char *kind, const char *node, const char *driver)
{
	static const char *const names[] = { "vendor", "device", "class", "numa_node",
					     "iommu_group" };
	const char *const texts[] = { "0x10de\n", "0x2335\n", kind, node, "" };
	auto_free char *link = xasprintf("%s/bus/pci/devices/%s/driver", sysfs, slot);
	size_t i;

	for (i = 0; i < 5; i++) {
		auto_free char *path = xasprintf("bus/pci/devices/%s/%s", slot, names[i]);

		put(path, texts[i]);
	}
	if (*driver)
		assert(symlink(driver, link) == 0);
}

static int choose(const struct vm *self, const char *mode, const char *const *slots,
		  struct manifest *m, struct err *e)
{
	Bailey__Vmm__GpuConfig g = BAILEY__VMM__GPU_CONFIG__INIT;
	Bailey__Vmm__GpuSpec specs[8], *list[8];

	g.attach_mode = mem_unconst(mode); /* it is only read */
	g.gpus = list;
	for (; slots && slots[g.n_gpus]; g.n_gpus++) {
		bailey__vmm__gpu_spec__init(&specs[g.n_gpus]);
		specs[g.n_gpus].slot = mem_unconst(slots[g.n_gpus]);
		list[g.n_gpus] = &specs[g.n_gpus];
	}
	return gpus_choose(&host, self, &g, m, e);
}

static void refuses(const char *mode, const char *slot, int rc, const char *text)
{
	auto_manifest struct manifest m = MANIFEST_NULL;
	const char *const slots[] = { slot, NULL };
	struct err e = ERR_NONE;

	assert(choose(NULL, mode, slots, &m, &e) == rc);
	assert(strstr(e.text, text));
}

static void test_what_is_given(void)
{
	auto_manifest struct manifest m = MANIFEST_NULL;
	const char *const slots[] = { "0000:2A:00.0", "05:00.0", NULL };

	assert(choose(NULL, "listed", slots, &m, NULL) == 0);
	assert(m.gpus.n == 1 && str_equal(m.gpus.items[0], "2a:00.0"));
	assert(m.gpu_bridges.n == 1 && str_equal(m.gpu_bridges.items[0], "05:00.0"));
	assert(str_equal(m.gpu_attach_mode, "listed"));
}

static void test_what_is_refused(void)
{
	refuses("some", "18:00.0", ERR_INPUT, "Invalid GPU attach mode: some");
	refuses("", NULL, ERR_INPUT, "Invalid GPU attach mode");
	refuses("listed", "18:00.0,x", ERR_INPUT, "Invalid GPU slot");
	refuses("listed", "19:00.0", ERR_NOT_FOUND, "offers none there");
	refuses("listed", "9b:00.0", ERR_MISSING, "host's driver nvidia");
	refuses("all", NULL, ERR_MISSING, "host's driver nvidia");
	config.gpu_allow_all = false;
	refuses("all", NULL, ERR_MISSING, "Attaching all GPUs is not allowed");
	config.gpu_allow_all = true;
	config.gpu_enabled = false;
	refuses("all", NULL, ERR_MISSING, "GPU is not enabled");
	refuses("listed", "18:00.0", ERR_MISSING, "GPU is not enabled");
	config.gpu_enabled = true;
}

static void test_twice_is_refused(void)
{
	auto_manifest struct manifest m = MANIFEST_NULL;
	const char *const slots[] = { "18:00.0", "0000:18:00.0", NULL };
	struct err e = ERR_NONE;

	assert(choose(NULL, "listed", slots, &m, &e) == ERR_INPUT && strstr(e.text, "twice"));
}

static void test_a_stopped_vm_keeps_its_gpu(void)
{
	auto_manifest struct manifest m = MANIFEST_NULL;
	struct vm vm = { .manifest = { .name = mem_unconst("holder") } };
	const char *const slots[] = { "18:00.0", NULL };
	struct host_gpu g = { .slot = "18:00.0", .has_iommu = true };
	struct err e = ERR_NONE;

	assert(gpus_is_free(&host, &g));
	assert(manifest_list_add(&vm.manifest.gpus, "0000:18:00.0", NULL) == 0);
	host.fleet.first = &vm;
	assert(!gpus_is_free(&host, &g));
	refuses("listed", "18:00.0", ERR_CONFLICT, "is given to VM 'holder'");
	assert(choose(&vm, "listed", slots, &m, &e) == 0); /* its own */
	assert(gpus_check_free(&host, &vm, &m, &e) == 0);
	assert(gpus_check_free(&host, NULL, &m, &e) == ERR_CONFLICT);
	host.fleet.first = NULL;
	manifest_list_deinit(&vm.manifest.gpus);
}

static void test_all_but_what_is_excluded(void)
{
	auto_manifest struct manifest m = MANIFEST_NULL;
	json_t *exclude = json_pack("[s]", "9b:00.0"), *listing = json_pack("[s]", "10de:1111");
	struct gpus_offered all;

	config.gpu_exclude = exclude;
	assert(choose(NULL, "all", NULL, &m, NULL) == 0);
	assert(m.gpus.n == 3 && m.gpu_bridges.n == 1 && str_equal(m.gpu_attach_mode, "all"));
	config.gpu_listing = listing;
	assert(gpus_offered(&config, sysfs, &all, NULL) == 0 && all.n == 1 &&
	       all.items[0].is_bridge);
	config.gpu_include = exclude;
	config.gpu_exclude = NULL;
	assert(gpus_offered(&config, sysfs, &all, NULL) == 0 && all.n == 2);
	config.gpu_include = config.gpu_listing = NULL;
	json_decref(exclude);
	json_decref(listing);
}

static void test_the_place_on_the_host(void)
{
	struct manifest m = { .vcpu = 4, .memory = 4096, .hugepages = true, .pin_numa = true };
	struct err e = ERR_NONE;
	struct hardware h;

	assert(manifest_list_add(&m.gpus, "9a:00.0", NULL) == 0 &&
	       manifest_list_add(&m.gpus, "18:00.0", NULL) == 0 &&
	       manifest_list_add(&m.gpu_bridges, "05:00.0", NULL) == 0);
	assert(hardware_find(&config, sysfs, &m, &h, &e) == 0);
	assert(h.n_gpus == 3 && h.n_bridges == 1 && h.gpus[0].bus == 0x9a && h.gpus[1].is_bound &&
	       !h.gpus[0].is_bound);
	assert(h.n_nodes == 2 && h.nodes[0] == 0 && h.nodes[1] == 1 && h.hugepage_kib == 2048);
	assert(str_equal(h.cpuset, "8-15")); /* of the first GPU's node */
	m.vcpu = 3;
	assert(hardware_check(&config, sysfs, &m, &e) == ERR_INPUT &&
	       strstr(e.text, "multiple of 2"));
	m.vcpu = 2;
	m.memory = 3072;
	assert(hardware_check(&config, sysfs, &m, &e) == ERR_INPUT && strstr(e.text, "of 2048"));
	m.memory = 8192;
	assert(hardware_check(&config, sysfs, &m, &e) == 0);
	assert(hardware_find(&config, sysfs, &m, &h, &e) == ERR_MISSING &&
	       strstr(e.text, "hugepages"));
	config.gpu_enabled = false;
	assert(hardware_find(&config, sysfs, &m, &h, &e) == ERR_MISSING);
	config.gpu_enabled = true;
	manifest_list_deinit(&m.gpus);
	manifest_list_deinit(&m.gpu_bridges);
}

static void test_the_place_without_gpus(void)
{
	struct manifest m = { .vcpu = 4, .memory = 1024, .hugepages = true, .pin_numa = true };
	struct err e = ERR_NONE;
	struct hardware h;

	assert(hardware_find(&config, sysfs, &m, &h, &e) == 0);
	assert(h.n_nodes == 1 && h.nodes[0] == 0 && str_equal(h.cpuset, "0-7"));
	m.hugepages = m.pin_numa = false;
	m.memory = 1000;
	assert(hardware_find(&config, sysfs, &m, &h, &e) == 0 && h.n_nodes == 0 && !*h.cpuset);
}

int main(void)
{
	const char *const rm[] = { "rm", "-r", sysfs, NULL };
	const struct child_options o = { .argv = rm };

	assert(mkdtemp(sysfs));
	device("0000:18:00.0", "0x030200\n", "0\n", "vfio-pci");
	device("0000:2a:00.0", "0x030200\n", "0\n", "");
	device("0000:9a:00.0", "0x030200\n", "1\n", "");
	device("0000:9b:00.0", "0x030200\n", "1\n", "nvidia");
	device("0000:05:00.0", "0x068000\n", "0\n", "vfio-pci");
	put("devices/system/node/node0/cpulist", "0-7\n");
	put("devices/system/node/node1/cpulist", "8-15\n");
	put("devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages", "1024\n");
	put("devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages", "1024\n");
	test_what_is_given();
	test_what_is_refused();
	test_twice_is_refused();
	test_a_stopped_vm_keeps_its_gpu();
	test_all_but_what_is_excluded();
	test_the_place_on_the_host();
	test_the_place_without_gpus();
	assert(child_must(&o, NULL, NULL) == 0);
	return 0;
}
