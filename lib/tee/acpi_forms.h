/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acpi_forms: the pieces of a DSDT that differ between versions of QEMU, in each of their forms; for acpi_profile
 *
 * Pure.  What is written is what QEMU writes, byte for byte.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/aml.h"

struct acpi_bytes {
	const uint8_t *p;
	size_t n;
};

/* PCI0.EDSM: labels of devices that cannot be unplugged (since 8.0). */
extern const struct acpi_bytes acpi_edsm;

/* PCI0.PDSM: labels of devices of hot-pluggable buses: upstream since 8.0, the branches with TDX, QEMU 7.2. */
extern const struct acpi_bytes acpi_pdsm, acpi_pdsm_tdx, acpi_pdsm_72;

/* PRES._INI: select the first CPU (until 10). */
extern const struct acpi_bytes acpi_pres_ini;

/* The SATA function of the chipset, which 7.2 does not tell of. */
extern const struct acpi_bytes acpi_sata;

/* COM1's interrupt: until 11.0, and since. */
extern const struct acpi_bytes acpi_com_irq, acpi_com_irq_shared;

/* A device at slot 0 of a root port, of which 7.2 says nothing when hot-plug is off. */
extern const struct acpi_bytes acpi_behind_port;

/* _GPE._E01 where nothing can be plugged. */
extern const struct acpi_bytes acpi_e01_empty;

/* CPUS.CSCN for @cpus CPUs; since 10.0 CPUs that are to go are queued. */
void acpi_put_cscn(struct aml_out *o, uint32_t cpus, bool is_queued);

/* _PRT of an expander bus: as a table (since 9.0), or worked out by the guest. */
void acpi_put_prt(struct aml_out *o);
extern const struct acpi_bytes acpi_prt_loop;
