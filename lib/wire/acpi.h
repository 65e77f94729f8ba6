/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acpi: the ACPI tables that QEMU hands to its firmware, and what follows from them
 *
 * QEMU gives firmware three files: the tables one after the other (etc/acpi/tables), a script that says where each
 * pointer and checksum goes (etc/table-loader), and the root pointer (etc/acpi/rsdp).  The firmware of a TD measures
 * all three.  The second and the third say nothing that the first does not.
 *
 * Pure: no allocation, no I/O.
 *
 * Borrows  the bytes.
 * Trusts   nothing: every offset and length is checked.
 * Wire     ACPI 6.5, 5.2 (tables), 20.2 (AML); QEMU's docs/specs/acpi_*.rst and hw/acpi/bios-linker-loader for the
 *	     script.  Little-endian.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	ACPI_TABLES_MAX = 12,	      /* tables in a blob; QEMU's q35 makes 8 to 10 */
	ACPI_BLOB_ALIGN = 128 * 1024, /* QEMU fills a blob up to a multiple of this */
	ACPI_BLOB_MAX = 4 * 1024 * 1024,
	ACPI_HEADER_SIZE = 36, /* of every table but the FACS */
	ACPI_LOADER_SIZE = 4096,
	ACPI_RSDP_SIZE = 20,
};

struct acpi_table {
	char name[5]; /* its signature: "DSDT" */
	uint32_t at;  /* in the blob */
	uint32_t n;   /* bytes, with the header */
};

/* The tables of a blob, in their order: FACS, DSDT, FACP, ... RSDT. */
struct acpi_tables {
	struct acpi_table table[ACPI_TABLES_MAX];
	size_t n_tables;
	size_t used; /* bytes up to the end of the last table; the rest of the blob is zero */
};

/**
 * acpi_tables_read() - find the tables of the blob @p
 *
 * A blob may be cut after its last table, as recordings often are.
 *
 * Return: 0; ERR_PROTO: what is there is no blob of QEMU's (no FACS first, a length that does not fit, two tables of
 *         a name, no DSDT, FACP or RSDT, a pointer to elsewhere, bytes after the last table); ERR_LIMIT: too large, too
 *         many tables.
 */
int acpi_tables_read(const uint8_t *p, size_t n, struct acpi_tables *ret, struct err *e);

/* The table of that signature; NULL. */
const struct acpi_table *acpi_tables_find(const struct acpi_tables *t, const char *name);

/* The size that QEMU gives the blob of these tables: used, rounded up to ACPI_BLOB_ALIGN. */
size_t acpi_blob_size(const struct acpi_tables *t);

/* What QEMU puts into etc/table-loader beside these tables. */
void acpi_loader(const struct acpi_tables *t, uint8_t ret[static ACPI_LOADER_SIZE]);

/* What QEMU puts into etc/acpi/rsdp beside these tables. */
void acpi_rsdp(const struct acpi_tables *t, uint8_t ret[static ACPI_RSDP_SIZE]);
