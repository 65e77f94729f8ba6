/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/acpi_shape.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

#define MIB (UINT64_C(1) << 20)

enum {
	FIRST_EXPANDER = 0x10, /* slot */
	FIRST_EXPANDER_BUS = 5,
	MEMORY_MIB_MIN = 16,
	MEMORY_MIB_MAX = 64 * 1024 * 1024,
	SPLIT_MIB = 2816, /* q35 has memory above 4 GiB from here on, and below then always 2 GiB */
};

static bool has_expanders(const struct acpi_shape *s)
{
	return s->nodes > 0 && s->gpus > 0;
}

uint32_t acpi_shape_root_ports(const struct acpi_shape *s)
{
	return (has_expanders(s) ? 0 : s->gpus) + s->nvswitches;
}

static uint32_t plain_devices(const struct acpi_shape *s)
{
	return (s->root_verity ? 1U : 0) + (s->no_data_disk ? 0 : 1U) + s->volumes + s->nics +
	       (s->no_vsock ? 0 : 1U) + (s->share != ACPI_SHARE_NONE ? 1U : 0);
}

uint32_t acpi_shape_first_port(const struct acpi_shape *s)
{
	return acpi_shape_root_ports(s) ? 1 + plain_devices(s) : 0;
}

static int check_nodes(const struct acpi_shape *s, struct err *e)
{
	uint32_t i;

	if (s->nodes > ACPI_SHAPE_NODES_MAX)
		return err_set(e, ERR_INPUT, "%u NUMA nodes; at most %d", s->nodes,
			       ACPI_SHAPE_NODES_MAX);
	if (s->nodes && (s->cpus % s->nodes || s->memory / MIB % s->nodes)) {
		return err_set(e, ERR_INPUT,
			       "%u vCPUs and %" PRIu64 " MiB do not divide by %u NUMA nodes",
			       s->cpus, s->memory / MIB, s->nodes);
	}
	for (i = 0; s->nodes && i < s->gpus; i++) {
		if (s->gpu_node[i] >= s->nodes)
			return err_set(e, ERR_INPUT, "GPU %u is of NUMA node %u of %u", i,
				       s->gpu_node[i], s->nodes);
	}
	return 0;
}

int acpi_shape_check(const struct acpi_shape *s, struct err *e)
{
	uint32_t most = has_expanders(s) ? FIRST_EXPANDER - 1 : ACPI_SHAPE_DEVICES_MAX;

	if (s->cpus < 1 || s->cpus > ACPI_SHAPE_CPUS_MAX)
		return err_set(e, ERR_INPUT, "%u vCPUs; QEMU without KVM knows tables of 1 to %d",
			       s->cpus, ACPI_SHAPE_CPUS_MAX);
	if (s->memory % MIB || s->memory / MIB < MEMORY_MIB_MIN || s->memory / MIB > MEMORY_MIB_MAX)
		return err_set(e, ERR_INPUT, "%" PRIu64 " bytes of memory; whole MiB from %d to %d",
			       s->memory, MEMORY_MIB_MIN, MEMORY_MIB_MAX);
	if (s->gpus > ACPI_SHAPE_GPUS_MAX || s->nvswitches > most || s->nics > most ||
	    s->volumes > most || plain_devices(s) + acpi_shape_root_ports(s) > most) {
		return err_set(e, ERR_INPUT,
			       "%u NICs, %u volumes, %u GPUs, %u NVSwitches: a VM has %u slots",
			       s->nics, s->volumes, s->gpus, s->nvswitches, most);
	}
	if (plain_devices(s) == 0)
		return err_set(e, ERR_INPUT, "a VM without any device");
	return check_nodes(s, e);
}

static void word(struct acpi_args *a, const char *literal)
{
	assert(a->n < ACPI_ARGS_MAX - 1);
	a->argv[a->n++] = literal;
}

__attribute__((format(printf, 3, 4))) static void option(struct acpi_args *a, const char *name,
							 const char *fmt, ...)
{
	size_t left = sizeof(a->text) - a->used;
	va_list ap;
	int n;

	word(a, name);
	word(a, a->text + a->used);
	va_start(ap, fmt);
	n = vsnprintf(a->text + a->used, left, fmt, ap);
	va_end(ap);
	/* ACPI_SHAPE_DEVICES_MAX bounds it */
	assert(n >= 0 && (size_t)n < left);
	a->used += (size_t)n + 1;
}

static const char *on_off(bool on)
{
	return on ? "on" : "off";
}

static void put_memory(struct acpi_args *a, const struct acpi_shape *s)
{
	uint64_t mib = s->memory / MIB;
	uint32_t i, n;

	/* without nodes only what is below 4 GiB shows */
	if (!s->nodes && mib > SPLIT_MIB)
		mib = SPLIT_MIB;
	option(a, "-m", "%" PRIu64 "M", mib);
	for (i = 0; i < s->nodes; i++) {
		n = s->cpus / s->nodes;
		option(a, "-object", "memory-backend-ram,id=mem%u,size=%" PRIu64 "M,reserve=off", i,
		       mib / s->nodes);
		option(a, "-numa", "node,nodeid=%u,cpus=%u-%u,memdev=mem%u", i, i * n,
		       (i + 1) * n - 1, i);
	}
}

static void put_expanders(struct acpi_args *a, const struct acpi_shape *s)
{
	uint32_t i, k, bus = FIRST_EXPANDER_BUS;

	for (i = 0; has_expanders(s) && i < s->nodes; i++) {
		option(a, "-device",
		       "pxb-pcie,id=pcie.node%u,bus=pcie.0,addr=0x%x,numa_node=%u,bus_nr=%u", i,
		       FIRST_EXPANDER + i, i, bus);
		bus++;
		for (k = 0; k < s->gpus; k++)
			bus += s->gpu_node[k] == i;
	}
}

/* A root port and something behind it, as a GPU would be. */
static void put_port(struct acpi_args *a, uint32_t port, const char *where)
{
	option(a, "-device", "pcie-root-port,id=pci.%u,chassis=%u,%s", port, port, where);
	option(a, "-device", "virtio-rng-pci,bus=pci.%u", port);
}

static void put_ports(struct acpi_args *a, const struct acpi_shape *s)
{
	uint32_t i, port = 1, slot = 1 + plain_devices(s);
	char where[64];

	for (i = 0; i < s->gpus; i++) {
		if (has_expanders(s))
			(void)snprintf(where, sizeof(where), "bus=pcie.node%u", s->gpu_node[i]);
		else
			(void)snprintf(where, sizeof(where), "bus=pcie.0,addr=0x%x", slot++);
		put_port(a, port++, where);
	}
	for (i = 0; i < s->nvswitches; i++) {
		(void)snprintf(where, sizeof(where), "bus=pcie.0,addr=0x%x", slot++);
		put_port(a, port++, where);
	}
}

void acpi_shape_args(const struct acpi_shape *s, const char *qemu, struct acpi_args *ret)
{
	static const char *const fixed[] = {
		"-no-user-config",
		"-nodefaults",
		"-display",
		"none",
		"-S",
		"-accel",
		"tcg,thread=single",
		"-cpu",
		"qemu64",
		"-serial",
		"null",
		"-chardev",
		"stdio,id=qtest,signal=off",
		"-qtest",
		"chardev:qtest",
		"-qtest-log",
		"none",
	};
	size_t i;

	ret->n = 0;
	ret->used = 0;
	word(ret, qemu);
	for (i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		word(ret, fixed[i]);
	option(ret, "-machine", "q35,hpet=off,smm=%s,pic=%s", on_off(s->smm), on_off(s->pic));
	option(ret, "-smp", "%u", s->cpus);
	put_memory(ret, s);
	if (s->hotplug_off)
		option(ret, "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off");
	for (i = 0; i < plain_devices(s); i++)
		option(ret, "-device", "virtio-rng-pci,addr=0x%zx", i + 1);
	put_expanders(ret, s);
	put_ports(ret, s);
	ret->argv[ret->n] = NULL;
}
