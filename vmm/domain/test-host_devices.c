/* SPDX-License-Identifier: Apache-2.0 */
/* A folder stands in for /sys. */
#include "domain/host_devices.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "loop/child.h"

static char sysfs[] = "/tmp/test-host_devices-XXXXXX";

static void put(const char *name, const char *text)
{
	auto_free char *path = xasprintf("%s/%s", sysfs, name);
	char *slash = strrchr(path, '/');

	*slash = 0;
	assert(file_mkdir_all(path, 0755, NULL) == 0);
	*slash = '/';
	assert(file_replace(AT_FDCWD, path, 0644, text, strlen(text), NULL) == 0);
}

static void device(const char *slot, const char *vendor, const char *product, const char *kind,
		   const char *node, const char *driver)
{
	auto_free char *base = xasprintf("bus/pci/devices/%s", slot);
	auto_free char *v = xasprintf("%s/vendor", base), *p = xasprintf("%s/device", base),
		       *k = xasprintf("%s/class", base), *n = xasprintf("%s/numa_node", base),
		       *link = xasprintf("%s/%s/driver", sysfs, base),
		       *target = xasprintf("../../../drivers/%s", driver),
		       *group = xasprintf("%s/iommu_group", base);

	put(v, vendor);
	put(p, product);
	put(k, kind);
	put(n, node);
	if (*driver)
		assert(symlink(target, link) == 0);
	put(group, "");
}

static void test_gpus_are_found(void)
{
	static struct host_gpu g[HOST_GPUS_MAX];
	struct err e = ERR_NONE;
	size_t n = 9;

	assert(host_gpus_read(sysfs, g, &n, &e) == 0 && n == 0);
	device("0000:9a:00.0", "0x10de\n", "0x2335\n", "0x030200\n", "1\n", "nvidia");
	device("0000:18:00.0", "0x10de\n", "0x2335\n", "0x030200\n", "-1\n", "vfio-pci");
	device("0001:05:00.1", "0x10de\n", "0x22a3\n", "0x068000\n", "0\n", "");
	device("0000:03:00.0", "0x10de\n", "0x1b80\n", "0x030000\n", "0\n", "");
	device("0000:00:1f.2", "0x8086\n", "0x2922\n", "0x010601\n", "0\n", "ahci"); /* another's */
	device("0000:18:00.1", "0x10de\n", "0x10f0\n", "0x040300\n", "0\n", "");     /* its sound */
	device("0000:19:00.0", "garbage", "", "", "", "");
	assert(host_gpus_read(sysfs, g, &n, &e) == 0 && n == 4);
	assert(str_equal(g[0].slot, "03:00.0") && g[0].is_display && !*g[0].driver);
	assert(str_equal(g[1].slot, "18:00.0") && g[1].node == 0 && g[1].product == 0x2335 &&
	       str_equal(g[1].driver, "vfio-pci") && g[1].has_iommu && !g[1].is_bridge);
	assert(str_equal(g[2].slot, "9a:00.0") && g[2].node == 1 &&
	       str_equal(g[2].driver, "nvidia"));
	assert(str_equal(g[3].slot, "0001:05:00.1") && g[3].is_bridge && g[3].at.domain == 1);
}

static void test_slots(void)
{
	static const char *const bad[] = {
		"",	     "18",	 "18:00",	"18:00.",    "18:00.8",
		"18:20.0",   "118:00.0", "18:00.0 ",	"g8:00.0",   "18:00.00",
		"0:0:0:0.0", ":18:00.0", "18:00.0,x=y", "../18:00.0"
	};
	struct pci_slot s;
	char text[PCI_SLOT_SIZE];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(pci_slot_parse(bad[i], &s) == -1);
	assert(pci_slot_parse("0000:1A:0b.7", &s) == 0 && s.bus == 0x1a && s.slot == 0xb);
	pci_slot_text(&s, text);
	assert(str_equal(text, "1a:0b.7"));
	assert(pci_slot_parse("ffff:ff:1f.7", &s) == 0);
	pci_slot_text(&s, text);
	assert(str_equal(text, "ffff:ff:1f.7"));
}

static void test_nodes(void)
{
	char cpus[HOST_CPULIST_SIZE];
	struct err e = ERR_NONE;

	put("devices/system/node/node0/cpulist", "0-15,32-47\n");
	put("devices/system/node/node1/cpulist", "\n");
	put("devices/system/node/node2/cpulist", "0'/><x a='\n");
	assert(host_node_cpus(sysfs, 0, cpus, &e) == 0 && str_equal(cpus, "0-15,32-47"));
	assert(host_node_cpus(sysfs, 1, cpus, &e) == ERR_MISSING);
	assert(host_node_cpus(sysfs, 2, cpus, &e) == ERR_MISSING);
	assert(host_node_cpus(sysfs, 7, cpus, &e) == ERR_MISSING && strstr(e.text, "node 7"));
}

static void test_huge_pages(void)
{
	static const unsigned int nodes[] = { 0, 1 };
	struct err e = ERR_NONE;
	unsigned int kib = 0;

	assert(host_hugepage_size(sysfs, nodes, 1, 1024, &kib, &e) == ERR_MISSING);
	assert(strstr(e.text, "node 0 has 0 pages of 1 GiB and 0 of 2 MiB") &&
	       strstr(e.text, "1024 MiB"));
	put("devices/system/node/node0/hugepages/hugepages-2048kB/free_hugepages", "512\n");
	put("devices/system/node/node1/hugepages/hugepages-2048kB/free_hugepages", "511\n");
	assert(host_hugepage_size(sysfs, nodes, 1, 1024, &kib, &e) == 0 && kib == 2048);
	assert(host_hugepage_size(sysfs, nodes, 2, 1024, &kib, &e) == ERR_MISSING &&
	       strstr(e.text, "node 1 has 0 pages of 1 GiB and 511 of 2 MiB"));
	put("devices/system/node/node0/hugepages/hugepages-1048576kB/free_hugepages", "1\n");
	put("devices/system/node/node1/hugepages/hugepages-1048576kB/free_hugepages", "1\n");
	assert(host_hugepage_size(sysfs, nodes, 2, 1024, &kib, &e) == 0 && kib == 1048576);
	assert(host_hugepage_size(sysfs, nodes, 2, 2048, &kib, &e) == ERR_MISSING);
}

int main(void)
{
	const char *const rm[] = { "rm", "-r", sysfs, NULL };
	const struct child_options o = { .argv = rm };

	assert(mkdtemp(sysfs));
	test_gpus_are_found();
	test_slots();
	test_nodes();
	test_huge_pages();
	assert(child_must(&o, NULL, NULL) == 0);
	return 0;
}
