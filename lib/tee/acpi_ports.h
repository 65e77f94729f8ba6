/* SPDX-License-Identifier: Apache-2.0 */
/* acpi_ports: root ports in a DSDT of QEMU 7.2, as later versions describe them; for acpi_profile */
#pragma once

#include "wire/aml.h"

struct err;
struct acpi_machine;

/* @from: where the terms begin.  Nothing is done to what is in the later form.  Return: 0; ERR_PROTO; ERR_MISSING. */
int acpi_ports(struct aml *dsdt, size_t from, const struct acpi_machine *m, struct err *e);
