/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure: what MRTD and RTMR0 to 2 of a machine must be, from the files it starts with
 *
 * Pure: bytes in, a struct measurement out; no file, no clock, no QEMU.  What the bytes say is not believed:
 * firmware and kernel may be anybody's, each length in them is checked.
 *
 * Borrows  all bytes of its input, for the call.
 * Wire     Intel's TDVF design guide (MRTD, TD HOB), the TCG's event types as EDK2 up to edk2-stable202502
 *          uses them (13 events of RTMR0), QEMU's x86 loader (what it writes into a kernel's setup header),
 *          and PE/COFF Authenticode.
 * Limits   those of wire/tdvf.h and wire/pe.h; MEASURE_*_MAX.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "tee/measurement.h"

struct err;

enum {
	MEASURE_FIRMWARE_MAX = 64 * 1024 * 1024,
	MEASURE_KERNEL_MAX = 256 * 1024 * 1024,
	MEASURE_CMDLINE_MAX = 4096,
	MEASURE_ACPI_MAX = 4 * 1024 * 1024,
};

/* The three events by which RTMR0 knows the ACPI tables. */
struct measure_acpi {
	struct digest384 loader, rsdp, tables;
};

struct measure_input {
	const void *firmware;
	size_t n_firmware;
	const void *kernel;
	size_t n_kernel;
	struct digest384 initrd; /* SHA-384 of its bytes */
	uint64_t initrd_size;
	const char *cmdline;	 /* as in the image's metadata, without " initrd=initrd" */
	const void *acpi_tables; /* QEMU's etc/acpi/tables as OVMF reads it, its final zeros too */
	size_t n_acpi_tables;
	uint64_t memory; /* bytes; of the machine, not rounded */
	bool two_pass;	 /* QEMU 8 adds all pages of a section before it extends with them */
};

/**
 * measure_compute() - all registers and events
 *
 * Return: 0 and *@ret; ERR_INPUT with what is wrong with which file; ERR_LIMIT.
 */
int measure_compute(const struct measure_input *in, struct measurement *ret, struct err *e);

/* Loader and RSDP follow from the tables.  Return: 0; ERR_INPUT. */
int measure_acpi_of(const void *tables, size_t n, struct measure_acpi *ret, struct err *e);
