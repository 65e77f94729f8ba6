/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of acpi: what QEMU itself makes of its tables (tests/vectors/acpi), and refusals. */
#undef NDEBUG
#include "wire/acpi.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#define VECTORS SOURCE_DIR "/tests/vectors/acpi/"

static struct buf read_vector(const char *name)
{
	struct buf b = { .p = NULL };
	struct err e;

	if (file_read(AT_FDCWD, name, ACPI_BLOB_MAX, &b, &e) < 0) {
		(void)fprintf(stderr, "%s: %s\n", name, e.text);
		abort();
	}
	return b;
}

/* qemu-7.2.*: three files of one QEMU, of a machine with SRAT, two CPUs and a root port. */
static void test_loader_and_rsdp_are_qemus_own(void)
{
	auto_buf struct buf tables = read_vector(VECTORS "qemu-7.2.tables");
	auto_buf struct buf loader = read_vector(VECTORS "qemu-7.2.table-loader");
	auto_buf struct buf rsdp = read_vector(VECTORS "qemu-7.2.rsdp");
	uint8_t made[ACPI_LOADER_SIZE];
	struct acpi_tables t;
	struct err e;

	assert(acpi_tables_read(tables.p, tables.n, &t, &e) == 0);
	assert(t.n_tables == 8 && t.used == tables.n);
	assert(acpi_blob_size(&t) == ACPI_BLOB_ALIGN);
	assert(strcmp(t.table[1].name, "DSDT") == 0 && t.table[1].at == 64);
	assert(acpi_tables_find(&t, "SRAT") && !acpi_tables_find(&t, "HPET"));
	assert(loader.n == ACPI_LOADER_SIZE);
	acpi_loader(&t, made);
	assert(memcmp(made, loader.p, loader.n) == 0);
	assert(rsdp.n == ACPI_RSDP_SIZE);
	acpi_rsdp(&t, made);
	assert(memcmp(made, rsdp.p, rsdp.n) == 0);
}

/* A change at @at to @v must be refused with a text that has @why. */
static void refused(const struct buf *good, size_t at, uint32_t v, int code, const char *why)
{
	auto_buf struct buf b = BUF_MAX(ACPI_BLOB_MAX);
	struct acpi_tables t;
	struct err e = ERR_NONE;
	size_t i;
	int rc;

	assert(buf_add(&b, good->p, good->n) == 0);
	for (i = 0; i < 4; i++)
		b.p[at + i] = (uint8_t)(v >> (8 * i));
	rc = acpi_tables_read(b.p, b.n, &t, &e);
	if (rc != code || !strstr(e.text, why)) {
		(void)fprintf(stderr, "at %zu: %d '%s', not '%s'\n", at, rc, e.text, why);
		abort();
	}
}

static void test_lies_are_refused(void)
{
	auto_buf struct buf b = read_vector(VECTORS "qemu-7.2.tables");
	const struct acpi_table *facp, *apic, *rsdt;
	struct acpi_tables t;
	struct err e;

	assert(acpi_tables_read(b.p, b.n, &t, &e) == 0);
	facp = acpi_tables_find(&t, "FACP");
	apic = acpi_tables_find(&t, "APIC");
	rsdt = acpi_tables_find(&t, "RSDT");
	refused(&b, 0, 0x64636166, ERR_PROTO, "no ACPI table at 0");
	refused(&b, 0, 0x54445344, ERR_PROTO, "twice");
	refused(&b, 4, 63, ERR_PROTO, "FACS at 0: 63 bytes");
	refused(&b, 4, 65, ERR_PROTO, "no ACPI table at 65");
	refused(&b, 64 + 4, 0, ERR_PROTO, "DSDT at 64: 0 bytes");
	refused(&b, 64 + 4, 35, ERR_PROTO, "DSDT at 64: 35 bytes");
	refused(&b, 64 + 4, UINT32_MAX, ERR_PROTO, "do not fit");
	refused(&b, 64 + 4, (uint32_t)b.n - 63, ERR_PROTO, "do not fit");
	refused(&b, 64 + 4, (uint32_t)b.n - 64, ERR_PROTO, "no FACP");
	refused(&b, 64, 0x54445358, ERR_PROTO, "no DSDT");
	refused(&b, apic->at, 0x54445344, ERR_PROTO, "DSDT is there twice");
	refused(&b, apic->at, 0, ERR_PROTO, "bytes after the last");
	refused(&b, facp->at + 36, 1, ERR_PROTO, "FACP does not point");
	refused(&b, facp->at + 40, 65, ERR_PROTO, "FACP does not point");
	refused(&b, facp->at + 140, 65, ERR_PROTO, "FACP does not point");
	refused(&b, facp->at + 144, 1, ERR_PROTO, "FACP does not point");
	refused(&b, rsdt->at + 36, facp->at + 1, ERR_PROTO, "RSDT does not point to FACP");
	refused(&b, rsdt->at + 4, rsdt->n - 4, ERR_PROTO, "no ACPI table at");
}

static void test_every_cut_is_refused(void)
{
	auto_buf struct buf b = read_vector(VECTORS "qemu-7.2.tables");
	struct acpi_tables t;
	struct err e;
	size_t n;

	for (n = 0; n < b.n; n++)
		assert(acpi_tables_read(b.p, n, &t, &e) == ERR_PROTO);
}

static void test_zeros_may_follow_and_nothing_else(void)
{
	auto_buf struct buf b = read_vector(VECTORS "qemu-7.2.tables");
	struct acpi_tables t;
	struct err e;
	size_t used = b.n;

	b.max = ACPI_BLOB_MAX + 1;
	assert(buf_reserve(&b, ACPI_BLOB_MAX + 1 - b.n) == 0);
	memset(b.p + b.n, 0, ACPI_BLOB_MAX + 1 - b.n);
	assert(acpi_tables_read(b.p, ACPI_BLOB_ALIGN, &t, &e) == 0 && t.used == used);
	assert(acpi_tables_read(b.p, used + 1, &t, &e) == 0 && t.used == used);
	assert(acpi_tables_read(b.p, ACPI_BLOB_MAX, &t, &e) == 0);
	assert(acpi_tables_read(b.p, ACPI_BLOB_MAX + 1, &t, &e) == ERR_LIMIT);
	b.p[used + 4096] = 1;
	assert(acpi_tables_read(b.p, ACPI_BLOB_ALIGN, &t, &e) == ERR_PROTO);
	assert(strstr(e.text, "after the last"));
}

static void test_too_many_tables_are_refused(void)
{
	static const uint8_t facs[] = { 'F', 'A', 'C', 'S', 64 };
	uint8_t blob[64 + 16 * 36];
	struct acpi_tables t;
	struct err e;
	size_t i;

	memset(blob, 0, sizeof(blob));
	memcpy(blob, facs, sizeof(facs));
	for (i = 0; i < 16; i++) {
		blob[64 + 36 * i] = 'S';
		blob[64 + 36 * i + 1] = 'S';
		blob[64 + 36 * i + 2] = 'D';
		blob[64 + 36 * i + 3] = (uint8_t)('A' + i);
		blob[64 + 36 * i + 4] = 36;
	}
	assert(acpi_tables_read(blob, sizeof(blob), &t, &e) == ERR_LIMIT);
}

int main(void)
{
	test_loader_and_rsdp_are_qemus_own();
	test_lies_are_refused();
	test_every_cut_is_refused();
	test_zeros_may_follow_and_nothing_else();
	test_too_many_tables_are_refused();
	return 0;
}
