/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_devices: GPUs, huge pages and NUMA nodes of this host, as sysfs shows them
 *
 * @sysfs is "/sys"; tests have a folder of their own.
 *
 * Thread   any; reads small files of the kernel's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum { HOST_GPUS_MAX = 64, PCI_SLOT_SIZE = 16, HOST_CPULIST_SIZE = 256 };

struct pci_slot {
	unsigned int domain, bus, slot, function;
};

/* "18:00.0" or "0000:18:00.0", hex in either case, all of it.  Return: 0 or -1. */
int pci_slot_parse(const char *text, struct pci_slot *ret);

/* As lspci has it: without the domain where that is 0. */
void pci_slot_text(const struct pci_slot *s, char ret[static PCI_SLOT_SIZE]);

/* An NVIDIA GPU, or a bridge between them (NVSwitch). */
struct host_gpu {
	struct pci_slot at;
	char slot[PCI_SLOT_SIZE]; /* pci_slot_text() */
	uint16_t vendor, product;
	bool is_bridge, is_display;
	bool has_iommu;	 /* it can be given away at all */
	char driver[32]; /* "": none */
	unsigned int node;
};

/* In order of their slots.  Return: 0, also with none; an errno if sysfs cannot be read. */
int host_gpus_read(const char *sysfs, struct host_gpu ret[static HOST_GPUS_MAX], size_t *ret_n,
		   struct err *e);

/* The CPUs of NUMA node @node, "0-15,32-47".  Return: 0; ERR_MISSING. */
int host_node_cpus(const char *sysfs, unsigned int node, char ret[static HOST_CPULIST_SIZE],
		   struct err *e);

/*
 * The largest size of huge page of which each of @nodes has @mib MiB free.
 * Return: 0; ERR_MISSING with what there is, what is needed, and what to do.
 */
int host_hugepage_size(const char *sysfs, const unsigned int *nodes, size_t n, uint64_t mib,
		       unsigned int *ret_kib, struct err *e);
