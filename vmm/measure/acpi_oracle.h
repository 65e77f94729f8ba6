/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acpi_oracle: the ACPI tables of a VM, asked of the QEMU of this machine
 *
 * Tables are never made by hand.  A stock QEMU is started that runs nothing (no KVM, no firmware, CPUs stopped, no
 * device of ours behind any slot), told over its qtest socket what firmware would tell the chipset, and asked for
 * the file.  If another version of QEMU is meant, lib/tee/acpi_profile turns the answer into that version's.
 *
 * Blocks     for some tenths of a second (bounded by ACPI_ORACLE_DEADLINE_MS): a program's own thread or a worker's.
 * Owns       the child, for the time of the call, however that ends.
 * Trusts     the QEMU binary, as it will run the VM.  Nothing of a VM's but numbers reaches its arguments.
 * Cache      by content: what a binary of that digest answers to those arguments.  A file that is not whole or not
 *	       its own name's is made again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "crypto/digest.h"
#include "measure/acpi_shape.h"

struct err;

enum {
	ACPI_ORACLE_DEADLINE_MS = 20 * 1000, /* of one QEMU, on a machine that is busy */
};

/* Who is asked. */
struct acpi_source {
	const char *qemu; /* the binary; NULL: qemu-system-x86_64 of PATH */
	const char *
		cache; /* folder, made if absent; NULL: $XDG_CACHE_HOME/bailey/acpi; "": no cache */
};

/* Which tables these were, for who keeps a record. */
struct acpi_answer {
	char qemu_version[32]; /* of the binary that was asked: "7.2.22" */
	struct digest256 qemu; /* of that binary */
	bool was_cached;
};

/**
 * acpi_oracle() - the blob etc/acpi/tables of a VM like @shape
 * @version: "9.2.1", three numbers: whose tables are wanted; NULL: the binary's own
 * @tables: appended to, with zeros up to QEMU's own size; its max should be ACPI_BLOB_MAX
 * @ret: may be NULL
 *
 * etc/table-loader and etc/acpi/rsdp follow: acpi_loader(), acpi_rsdp().
 *
 * Return: 0; ERR_INPUT: no machine has that shape; ERR_MISSING: no QEMU, or this one's tables do not lead to those of
 *         @version (the text says which do); ERR_HYPERVISOR: QEMU refused, ended or did not answer in time.
 */
int acpi_oracle(const struct acpi_shape *shape, const struct acpi_source *source,
		const char *version, struct buf *tables, struct acpi_answer *ret, struct err *e);
