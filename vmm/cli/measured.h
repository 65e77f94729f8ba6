/* SPDX-License-Identifier: Apache-2.0 */
/*
 * measured: what was asked to be measured, and what came of it; for `bailey measure` and its alias dstack-mr
 *
 * Borrows  its texts from argv; vm_config's from vm_doc, which it owns.
 */
#pragma once

#include <jansson.h>

#include "data/sys_vm_config.h"
#include "measure/image_measure.h"

struct err;

struct measured {
	/* what was asked: filled by the caller */
	const char *image;	   /* a folder; NULL: the document in vm_config */
	const char *acpi_tables;   /* a file; NULL: QEMU is asked */
	struct acpi_source source; /* which one */
	json_t *vm_doc;		   /* of --vm-config; or NULL */
	struct sys_vm_config vm;

	/* what came of it */
	struct machine machine;
	struct measurement m;
	struct acpi_answer answer;
	bool takes_root_disk; /* which the image does not have: a VM of it may lack that slot */
};

/* Return: 0; an error with what is missing or wrong. */
int measured_run(struct measured *d, struct err *e);

/* {"mrtd", "rtmr0", "rtmr1", "rtmr2"}: the caller owns it. */
json_t *measured_registers(const struct measured *d);

void measured_deinit(struct measured *d);
