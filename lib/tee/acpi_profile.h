/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acpi_profile: from the ACPI tables of one version of QEMU to those of another
 *
 * The tables of a machine differ between versions in few, known places.  Each place is put into the form of the
 * version that is wanted; everything else stays.  What is in a form that nobody knows is refused.
 *
 * Pure.
 *
 * Wire     The versions of dstack's VMs: 8.0 to 9.1 are the branches with TDX, whose interrupts are edge-triggered; 9.2,
 *	     10, 11.0 and 11.1 differ as upstream does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct err;

/* What is not to be seen in the tables of an older QEMU. */
struct acpi_machine {
	bool pic; /* of -machine */
	uint32_t first_port,
		ports; /* slots of pcie.0 that hold a root port with a device behind it */
	uint64_t pci_hole64_size; /* bytes; 0: as it is */
};

/**
 * acpi_profile() - the tables @from of a QEMU of version @is, as one of version @wanted makes them
 * @from: a blob that acpi_tables_read() accepts
 * @ret: appended to, with zeros up to QEMU's own size; its max should be ACPI_BLOB_MAX
 *
 * Return: 0; ERR_INPUT: no version; ERR_MISSING: these tables do not lead to those of @wanted; ERR_PROTO.
 */
int acpi_profile(const struct buf *from, const char *is, const char *wanted,
		 const struct acpi_machine *machine, struct buf *ret, struct err *e);
