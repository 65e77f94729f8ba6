/* SPDX-License-Identifier: Apache-2.0 */
/*
 * machine: what of a vm_config shows in a TD's registers: the shape of its ACPI tables, and habits of its QEMU
 *
 * Pure.  A value that vm_config does not say is the one that dstack's verifier takes: QEMU 9.1.0; of QEMU 8 the PIC is
 * on and pages are added in two passes, of later ones neither.  qemu_single_pass_add_pages has its name from its
 * opposite: verifiers take 1 for two passes, and so do we, as quotes of real machines are so.
 * A machine has a root disk unless root_disk, which only our daemon writes, says that it has none.
 * No TD starts on QEMU 7, but a simulated one does: it is measured as one of QEMU 8.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "measure/acpi_oracle.h"

struct err;
struct sys_vm_config;

enum { MACHINE_VERSION_SIZE = 32 };

#define MACHINE_DEFAULT_VERSION "9.1.0"

struct machine {
	struct acpi_shape shape;
	char qemu_version[MACHINE_VERSION_SIZE]; /* three numbers */
	bool two_pass;
};

/*
 * Return: 0; ERR_INPUT with the key, and why no such machine can be measured: a TPM, firmware whose events are not
 * known, a QEMU before 7, a share that is neither 9p nor a disk.
 */
int machine_of(const struct sys_vm_config *vm, struct machine *ret, struct err *e);

/* What QEMU @version does by itself.  Return: 0; ERR_INPUT: not three numbers, or before 7. */
int machine_habits(const char *version, bool *ret_pic, bool *ret_two_pass, struct err *e);
