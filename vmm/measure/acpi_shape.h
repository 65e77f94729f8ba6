/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acpi_shape: what of a VM shows in its ACPI tables, and a command line of QEMU that has the same
 *
 * Pure.  Devices are stand-ins: which slot holds one is in the tables, what it is, is not.
 *
 * Wire     QEMU's command line; the devices of dstack's VMs and their order.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	ACPI_SHAPE_CPUS_MAX = 255,   /* stock QEMU without an interrupt remapper */
	ACPI_SHAPE_DEVICES_MAX = 30, /* slots of pcie.0 beside the chipset's */
	ACPI_SHAPE_GPUS_MAX = 32,
	ACPI_SHAPE_NODES_MAX = 8,
	ACPI_ARGS_MAX = 256,
	ACPI_ARGS_TEXT_MAX = 16 * 1024,
};

enum acpi_share {
	ACPI_SHARE_9P,	 /* one slot */
	ACPI_SHARE_DISK, /* one slot, the same table: dstack's vhd and vvfat */
	ACPI_SHARE_NONE, /* none */
};

struct acpi_shape {
	uint32_t cpus;	  /* 1 .. ACPI_SHAPE_CPUS_MAX */
	uint64_t memory;  /* bytes, whole MiB */
	bool hotplug_off; /* acpi-pci-hotplug-with-bridge-support=off */
	bool smm, pic;	  /* of -machine.  dstack: smm off; pic on for QEMU 8, off since 9 */
	uint64_t pci_hole64_size; /* bytes; 0: QEMU's default, 32 GiB */
	enum acpi_share share;
	uint32_t nics, volumes;
	bool root_verity;  /* a root file system on a disk */
	bool no_data_disk; /* dstack's VMs have one */
	bool no_vsock;	   /* and a vsock device */
	uint32_t gpus, nvswitches;
	/*
	 * Huge pages: the NUMA nodes that memory and vCPUs are shared by, 0 without.  One node is what dstack's
	 * verifier knows; gpu_node[i] says whose GPU i is, when there are more.
	 */
	uint32_t nodes;
	uint8_t gpu_node[ACPI_SHAPE_GPUS_MAX];
};

struct acpi_args {
	const char *argv[ACPI_ARGS_MAX]; /* NULL-terminated; into text, and literals */
	size_t n;
	char text[ACPI_ARGS_TEXT_MAX];
	size_t used;
};

/* Is there such a machine?  Return: 0; ERR_INPUT. */
int acpi_shape_check(const struct acpi_shape *s, struct err *e);

/* Root ports on pcie.0; others are behind expanders. */
uint32_t acpi_shape_root_ports(const struct acpi_shape *s);

/* The slot of pcie.0 that the first of those has; 0: there are none. */
uint32_t acpi_shape_first_port(const struct acpi_shape *s);

/**
 * acpi_shape_args() - a command line for @s, which acpi_shape_check() accepted
 * @qemu: argv[0]; borrowed by @ret
 *
 * QEMU waits with its CPUs stopped and speaks qtest on stdin and stdout.  The size of the 64-bit window is not in it:
 * stock QEMU without KVM refuses large ones (acpi_profile sets it in the tables).
 */
void acpi_shape_args(const struct acpi_shape *s, const char *qemu, struct acpi_args *ret);
