/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measure: what MRTD and RTMR0 to 2 of a machine must be, from what it starts with
 *
 * Pure: bytes in, a struct measurement out; no file, no clock, no QEMU.  Files lead to it (measure_compute()), or an
 * image's measurement document (lite.h): both end in measure_assemble().
 *
 * Borrows  all bytes of its input, for the call.
 * Trusts   nothing: firmware and kernel may be anybody's, each length in them is checked.
 * Wire     Intel's TDVF design guide; the events of EDK2 up to edk2-stable202502 with QEMU's -kernel: 13 of RTMR0,
 *          5 of RTMR1, 2 of RTMR2.  Later EDK2 adds events that we do not know (man page bailey-measure.7).
 * Limits   those of wire/tdvf.h, wire/pe.h and wire/bzimage.h; MEASURE_*_MAX.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/digest.h"
#include "tee/measurement.h"
#include "tee/td_hob.h"

struct err;

enum {
	MEASURE_FIRMWARE_MAX = 64 * 1024 * 1024,
	MEASURE_KERNEL_MAX = 256 * 1024 * 1024,
};

/* The three events by which RTMR0 knows the ACPI tables. */
struct measure_acpi {
	struct digest384 loader, rsdp, tables;
};

/* All that is not the same in every machine, as the digests that events have. */
struct measure_parts {
	struct digest384 mrtd, td_hob, cfv, kernel, cmdline, initrd;
	struct measure_acpi acpi;
};

void measure_assemble(const struct measure_parts *parts, struct measurement *ret);

struct measure_input {
	const void *firmware;
	size_t n_firmware;
	const void *kernel;
	size_t n_kernel;
	struct digest384 initrd; /* SHA-384 of its bytes */
	uint64_t initrd_size;
	const char *cmdline;	 /* as in the image's metadata; OVMF adds " initrd=initrd" */
	const void *acpi_tables; /* QEMU's etc/acpi/tables, which vCPUs and devices show in */
	size_t n_acpi_tables;
	const struct measure_acpi
		*acpi;	 /* instead of tables: digests that the caller takes; NULL */
	uint64_t memory; /* bytes; of the machine, not rounded */
	bool two_pass;	 /* as QEMU 8 does */
};

/**
 * measure_compute() - all registers and events
 *
 * Return: 0 and *@ret; ERR_INPUT with what is wrong with which file.
 */
int measure_compute(const struct measure_input *in, struct measurement *ret, struct err *e);

/* What of a firmware is the same in every machine. */
struct measure_firmware {
	struct digest384 mrtd_single, mrtd_two;
	struct digest384 cfv;
	struct td_hob_layout layout;
};

/* Its parts, each by itself.  Return: 0; ERR_INPUT. */
int measure_firmware(const void *p, size_t n, struct measure_firmware *ret, struct err *e);
int measure_td_hob(const struct td_hob_layout *l, uint64_t memory, struct digest384 *ret,
		   struct err *e);
int measure_kernel(const struct measure_input *in, struct digest384 *ret, struct err *e);
int measure_cmdline(const char *cmdline, struct digest384 *ret, struct err *e);

/* Loader and RSDP follow from the tables, whose zeros at the end may be cut off.  Return: 0; ERR_INPUT. */
int measure_acpi_of(const void *tables, size_t n, struct measure_acpi *ret, struct err *e);
