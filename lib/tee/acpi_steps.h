/* SPDX-License-Identifier: Apache-2.0 */
/* acpi_steps: one place of a DSDT after the other into the form of a version; for acpi_profile */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "wire/aml.h"

struct err;
struct acpi_machine;
struct acpi_tables;

/* A version, and what of its DSDT and MADT others have otherwise. */
struct acpi_version {
	unsigned int major, minor; /* the first one */
	bool is_edge;		   /* interrupts of the branches with TDX, and their PDSM */
	bool has_queue;		   /* CPUs that are to go */
	bool has_pres_ini;
	bool has_shared_com;
	const char *constant
		[2]; /* digests of what no step looks at: with hot-plug of PCI, and without */
};

struct acpi_work {
	struct aml dsdt;
	const struct acpi_machine *machine;
	const struct acpi_version *to; /* NULL: it stays as it is */
	uint32_t cpus;		       /* of the MADT */
};

/* All of them.  Return: 0; ERR_MISSING: a place has a form that nobody knows; ERR_PROTO. */
int acpi_steps(struct acpi_work *w, struct err *e);

/* Are the places that no step looks at, and the other tables of @from, those of the version?  Return: as above. */
int acpi_check_constant(const struct acpi_work *w, const struct buf *from,
			const struct acpi_tables *tables, struct err *e);
