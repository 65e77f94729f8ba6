/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qemu_ask: a QEMU that runs nothing, asked for the ACPI files that it would hand to firmware
 *
 * Blocks   up to @deadline.  Owns the child for the time of the call.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"

struct err;

enum { QEMU_VERSION_SIZE = 32 };

struct qemu_files {
	struct buf tables, loader, rsdp; /* etc/acpi/tables, etc/table-loader, etc/acpi/rsdp */
};
void qemu_files_deinit(struct qemu_files *f);

/**
 * qemu_ask() - start @argv (acpi_shape_args()), do what firmware does to the chipset, and read the files
 * @ret: the caller deinits, whatever is returned
 *
 * Return: 0; ERR_MISSING: no such program; ERR_HYPERVISOR: it refused, ended, or took too long.
 */
int qemu_ask(const char *const *argv, uint64_t deadline, struct qemu_files *ret, struct err *e);

/* "7.2.22" of what "QEMU --version" prints.  Return: 0; ERR_PROTO. */
int qemu_version_read(const char *said, char ret[static QEMU_VERSION_SIZE], struct err *e);

/* Ask the program @qemu for it. */
int qemu_version_ask(const char *qemu, char ret[static QEMU_VERSION_SIZE], struct err *e);
