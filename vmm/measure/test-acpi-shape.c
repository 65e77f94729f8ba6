/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "measure/acpi_shape.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

#define GIB (UINT64_C(1) << 30)

static const struct acpi_shape plain = {
	.cpus = 2, .memory = 2 * GIB, .nics = 1, .root_verity = true
};

/* The words behind those that all have. */
static void args_are(const struct acpi_shape *s, const char *want)
{
	struct acpi_args *a = calloc(1, sizeof(*a));
	auto_buf struct buf b = BUF_MAX(ACPI_ARGS_TEXT_MAX);
	struct err e = ERR_NONE;
	size_t i = 0;

	assert(a && acpi_shape_check(s, &e) == 0);
	acpi_shape_args(s, "qemu", a);
	assert(strcmp(a->argv[0], "qemu") == 0 && !a->argv[a->n]);
	while (strcmp(a->argv[i], "-machine") != 0)
		i++;
	for (; i < a->n; i++)
		assert(buf_addf(&b, "%s%s", b.n ? " " : "", a->argv[i]) == 0);
	if (strcmp((const char *)b.p, want) != 0) {
		(void)fprintf(stderr, "%s\n", (const char *)b.p);
		abort();
	}
	free(a);
}

static void test_a_plain_machine(void)
{
	args_are(&plain, "-machine q35,hpet=off,smm=off,pic=off -smp 2 -m 2048M "
			 "-device virtio-rng-pci,addr=0x1 -device virtio-rng-pci,addr=0x2 "
			 "-device virtio-rng-pci,addr=0x3 -device virtio-rng-pci,addr=0x4 "
			 "-device virtio-rng-pci,addr=0x5");
	assert(acpi_shape_first_port(&plain) == 0 && acpi_shape_root_ports(&plain) == 0);
}

static void test_large_memory_costs_nothing(void)
{
	struct acpi_shape s = { .cpus = 1,
				.memory = 2048 * GIB,
				.share = ACPI_SHARE_NONE,
				.no_vsock = true,
				.pic = true,
				.smm = true,
				.hotplug_off = true };

	args_are(&s, "-machine q35,hpet=off,smm=on,pic=on -smp 1 -m 2816M "
		     "-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off "
		     "-device virtio-rng-pci,addr=0x1");
}

static void test_ports_and_expanders(void)
{
	struct acpi_shape s = { .cpus = 4,
				.memory = 4 * GIB,
				.no_vsock = true,
				.share = ACPI_SHARE_NONE,
				.gpus = 2,
				.nvswitches = 1 };

	args_are(&s, "-machine q35,hpet=off,smm=off,pic=off -smp 4 -m 2816M "
		     "-device virtio-rng-pci,addr=0x1 "
		     "-device pcie-root-port,id=pci.1,chassis=1,bus=pcie.0,addr=0x2 "
		     "-device virtio-rng-pci,bus=pci.1 "
		     "-device pcie-root-port,id=pci.2,chassis=2,bus=pcie.0,addr=0x3 "
		     "-device virtio-rng-pci,bus=pci.2 "
		     "-device pcie-root-port,id=pci.3,chassis=3,bus=pcie.0,addr=0x4 "
		     "-device virtio-rng-pci,bus=pci.3");
	assert(acpi_shape_first_port(&s) == 2 && acpi_shape_root_ports(&s) == 3);
	s.nodes = 2;
	s.gpu_node[1] = 1;
	args_are(&s, "-machine q35,hpet=off,smm=off,pic=off -smp 4 -m 4096M "
		     "-object memory-backend-ram,id=mem0,size=2048M,reserve=off "
		     "-numa node,nodeid=0,cpus=0-1,memdev=mem0 "
		     "-object memory-backend-ram,id=mem1,size=2048M,reserve=off "
		     "-numa node,nodeid=1,cpus=2-3,memdev=mem1 "
		     "-device virtio-rng-pci,addr=0x1 "
		     "-device pxb-pcie,id=pcie.node0,bus=pcie.0,addr=0x10,numa_node=0,bus_nr=5 "
		     "-device pxb-pcie,id=pcie.node1,bus=pcie.0,addr=0x11,numa_node=1,bus_nr=7 "
		     "-device pcie-root-port,id=pci.1,chassis=1,bus=pcie.node0 "
		     "-device virtio-rng-pci,bus=pci.1 "
		     "-device pcie-root-port,id=pci.2,chassis=2,bus=pcie.node1 "
		     "-device virtio-rng-pci,bus=pci.2 "
		     "-device pcie-root-port,id=pci.3,chassis=3,bus=pcie.0,addr=0x2 "
		     "-device virtio-rng-pci,bus=pci.3");
	assert(acpi_shape_first_port(&s) == 2 && acpi_shape_root_ports(&s) == 1);
}

static void test_the_largest_fits(void)
{
	struct acpi_shape s = { .cpus = 255, .memory = 2040 * GIB, .nics = 26, .nodes = 5 };
	struct acpi_args *a = calloc(1, sizeof(*a));

	assert(a && acpi_shape_check(&s, NULL) == 0);
	acpi_shape_args(&s, "qemu", a);
	s = (struct acpi_shape){
		.cpus = 8, .memory = 8 * GIB, .gpus = 32, .nodes = 8, .nvswitches = 11
	};
	assert(acpi_shape_check(&s, NULL) == 0);
	acpi_shape_args(&s, "qemu", a);
	free(a);
}

static void refused(struct acpi_shape s, const char *why)
{
	struct err e = ERR_NONE;

	assert(acpi_shape_check(&s, &e) == ERR_INPUT);
	if (!strstr(e.text, why)) {
		(void)fprintf(stderr, "'%s' does not say '%s'\n", e.text, why);
		abort();
	}
}

static void test_no_such_machine(void)
{
	struct acpi_shape s = plain;

	s.cpus = 0;
	refused(s, "0 vCPUs");
	s.cpus = 256;
	refused(s, "256 vCPUs");
	s = plain;
	s.memory = 0;
	refused(s, "0 bytes of memory");
	s.memory = 2 * GIB + 1;
	refused(s, "whole MiB");
	s.memory = UINT64_MAX / 1024 / 1024 * 1024 * 1024;
	refused(s, "of memory");
	s = plain;
	s.nics = 27;
	refused(s, "30 slots");
	s.nics = UINT32_MAX;
	refused(s, "30 slots");
	s = plain;
	s.gpus = 33;
	refused(s, "33 GPUs");
	s = plain;
	s.volumes = UINT32_MAX - 3;
	refused(s, "slots");
	s = plain;
	s.nodes = 9;
	refused(s, "9 NUMA nodes");
	s.nodes = 3;
	refused(s, "do not divide");
	s = plain;
	s.nodes = 2;
	s.gpus = 1;
	s.gpu_node[0] = 2;
	refused(s, "NUMA node 2 of 2");
	s = plain;
	s.nodes = 1;
	s.gpus = 1;
	s.nics = 12;
	refused(s, "15 slots");
	refused((struct acpi_shape){ .cpus = 1,
				     .memory = GIB,
				     .no_data_disk = true,
				     .no_vsock = true,
				     .share = ACPI_SHARE_NONE },
		"without any device");
}

int main(void)
{
	test_a_plain_machine();
	test_large_memory_costs_nothing();
	test_ports_and_expanders();
	test_the_largest_fits();
	test_no_such_machine();
	return 0;
}
