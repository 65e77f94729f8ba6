/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/acpi_profile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "tee/acpi_steps.h"
#include "wire/acpi.h"

enum {
	ROOM = 64 * 1024, /* that a DSDT may grow by */
	MADT_HEAD = 44,
	MADT_REVISION_AT = 8,
	MADT_REVISION = 3,
	MADT_FLAGS_AT = 40,
	MADT_LOCAL_APIC = 0,
	MADT_OVERRIDE = 2,
	MADT_OVERRIDE_SIZE = 10,
	MADT_X2APIC = 9,
	LEVEL_HIGH_SHARED = 13, /* flags of an override: active high, level */
	EDGE_HIGH = 5,
};

static const struct acpi_version profiles[] = {
	{ 8, 0, .is_edge = true, .has_pres_ini = true,
	  .constant = { "8655f70c2c11ac35251cfe787ea81a28221506051fee5c844c8ef608055e8fc8",
			"a5f2f1928b345cd46a4f10dfc4c3be520535e365792894d30caf2474ba156ba1" } },
	{ 9, 2, .has_pres_ini = true,
	  .constant = { "4008e55716e6ecd21c4cfbca4d22d27da13dbda5da063e19dda136260cb6ffc6",
			"e4fe8e6b76660810e4c427f6e1a6ff0aa4179f326a83f1f46f46b778b69191e6" } },
	{ 10, 0, .has_queue = true, .has_pres_ini = true,
	  .constant = { "4008e55716e6ecd21c4cfbca4d22d27da13dbda5da063e19dda136260cb6ffc6",
			"e4fe8e6b76660810e4c427f6e1a6ff0aa4179f326a83f1f46f46b778b69191e6" } },
	{ 11, 0, .has_queue = true,
	  .constant = { "e513828aaeb060804fe347f08134898619ac3677cfded6c4c07aa4fb8f9472a1",
			"8f43012ac51c20fc7cfb794c0b0f854761f7538a303a2022adfdf12eeff205be" } },
	{ 11, 1, .has_queue = true, .has_shared_com = true,
	  .constant = { "c0180916db83534a0337d4d5643579b45618651143867274873788acdcc9b465",
			"3dc8c2749b8c8a4acc422d7d836dc94bc18c781eb22dd30a8e0effcf77321dfb" } },
};

enum { N_PROFILES = sizeof(profiles) / sizeof(profiles[0]) };

struct version {
	unsigned int major, minor;
};

static int read_version(const char *text, struct version *ret, struct err *e)
{
	unsigned int micro;
	char rest;

	/* NOLINTNEXTLINE(cert-err34-c): each field is at most 4 digits, and their count is checked */
	if (sscanf(text, "%4u.%4u.%4u%c", &ret->major, &ret->minor, &micro, &rest) != 3)
		return err_set(e, ERR_INPUT, "QEMU's version is three numbers, like 9.2.1");
	return 0;
}

/* The profile of that version; NULL: it has none. */
static const struct acpi_version *profile_of(struct version v)
{
	size_t i;

	for (i = N_PROFILES; i > 0; i--) {
		const struct acpi_version *p = &profiles[i - 1];

		if (v.major > p->major || (v.major == p->major && v.minor >= p->minor))
			return p;
	}
	return NULL;
}

/* ---- the MADT ---- */

static bool is_madt(const uint8_t *p, size_t n)
{
	size_t at = MADT_HEAD;

	while (at < n && n - at >= 2 && p[at + 1] >= 2 && p[at + 1] <= n - at)
		at += p[at + 1];
	return n >= MADT_HEAD && at == n;
}

static uint32_t count_cpus(const uint8_t *p, size_t n)
{
	uint32_t cpus = 0;
	size_t at;

	for (at = MADT_HEAD; at < n; at += p[at + 1])
		cpus += p[at] == MADT_LOCAL_APIC || p[at] == MADT_X2APIC;
	return cpus;
}

/* Overrides of interrupts: the timer's and those of PCI; with TDX's branches all 16, edge-triggered. */
static int put_overrides(struct buf *b, bool is_edge)
{
	static const uint8_t pci[] = { 0, 5, 9, 10, 11 };
	uint8_t i, irq, n = is_edge ? 16 : sizeof(pci);
	int rc = 0;

	for (i = 0; rc == 0 && i < n; i++) {
		irq = is_edge ? i : pci[i];
		uint8_t entry[MADT_OVERRIDE_SIZE] = { MADT_OVERRIDE, MADT_OVERRIDE_SIZE, 0, irq,
						      irq ? irq : 2 };

		entry[8] = is_edge ? EDGE_HIGH : irq ? LEVEL_HIGH_SHARED : 0;
		rc = buf_add(b, entry, sizeof(entry));
	}
	return rc;
}

static int put_madt(struct buf *b, const uint8_t *p, size_t n, const struct acpi_work *w)
{
	size_t at, begin = b->n;
	bool is_done = false;
	int rc = buf_add(b, p, MADT_HEAD);

	for (at = MADT_HEAD; rc == 0 && at < n; at += p[at + 1]) {
		if (p[at] != MADT_OVERRIDE)
			rc = buf_add(b, p + at, p[at + 1]);
		else if (!is_done)
			rc = put_overrides(b, w->to->is_edge);
		is_done |= p[at] == MADT_OVERRIDE;
	}
	if (rc < 0)
		return rc;
	b->p[begin + MADT_REVISION_AT] = MADT_REVISION;
	b->p[begin + MADT_FLAGS_AT] = w->machine->pic;
	return 0;
}

/* ---- the blob ---- */

static void put_le32(uint8_t *p, size_t v)
{
	size_t i;

	for (i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

/* The tables of @from in their order, with those of @w; pointers and lengths as they come to be. */
static int assemble(const struct buf *from, const struct acpi_tables *t, const struct acpi_work *w,
		    struct buf *ret)
{
	size_t i, begin = ret->n, at, n = ACPI_HEADER_SIZE, where[ACPI_TABLES_MAX];
	const struct acpi_table *old;
	int rc = 0;

	for (i = 0; rc == 0 && i < t->n_tables; i++) {
		old = &t->table[i];
		where[i] = at = ret->n - begin;
		if (str_equal(old->name, "DSDT"))
			rc = buf_add(ret, w->dsdt.p, w->dsdt.n);
		else if (str_equal(old->name, "APIC") && w->to)
			rc = put_madt(ret, from->p + old->at, old->n, w);
		else
			rc = buf_add(ret, from->p + old->at, old->n);
		if (rc == 0)
			put_le32(ret->p + begin + at + 4, ret->n - begin - at);
	}
	at = rc == 0 ? where[acpi_tables_find(t, "RSDT") - t->table] : 0;
	for (i = 0; rc == 0 && i < t->n_tables; i++) {
		old = &t->table[i];
		if (str_equal(old->name, "FACS") || str_equal(old->name, "DSDT") ||
		    str_equal(old->name, "RSDT"))
			continue;
		put_le32(ret->p + begin + at + n, where[i]);
		n += 4;
	}
	return rc;
}

/* Zeros up to QEMU's own size. */
static int pad(struct buf *b, size_t begin)
{
	size_t n = b->n - begin;
	size_t zeros = (n + ACPI_BLOB_ALIGN - 1) / ACPI_BLOB_ALIGN * ACPI_BLOB_ALIGN - n;

	if (buf_reserve(b, zeros) < 0)
		return -EMSGSIZE;
	memset(b->p + b->n, 0, zeros);
	b->n += zeros;
	return 0;
}

/*
 * Whose own tables are wanted gets them as they are.  But those of 8.0 to 9.1 are always meant to be of the branches
 * with TDX, and a stock QEMU of these versions has others.
 */
static int choose(const char *is, const char *wanted, const struct acpi_version **ret,
		  struct err *e)
{
	struct version from = { 0 }, to = { 0 };
	int rc = read_version(is, &from, e);

	if (rc == 0)
		rc = read_version(wanted, &to, e);
	if (rc < 0)
		return rc;
	*ret = profile_of(to);
	if (from.major == to.major && from.minor == to.minor && (!*ret || !(*ret)->is_edge)) {
		*ret = NULL;
		return 0;
	}
	if (!*ret) {
		return err_set(e, ERR_MISSING,
			       "ACPI tables of QEMU %s are known to that version only; here is %s",
			       wanted, is);
	}
	return 0;
}

int acpi_profile(const struct buf *from, const char *is, const char *wanted,
		 const struct acpi_machine *machine, struct buf *ret, struct err *e)
{
	const struct acpi_table *dsdt, *madt;
	auto_free uint8_t *bytes = NULL;
	struct acpi_work w = { .machine = machine };
	struct acpi_tables t;
	size_t begin = ret->n;
	int rc;

	rc = choose(is, wanted, &w.to, e);
	if (rc == 0)
		rc = acpi_tables_read(from->p, from->n, &t, e);
	if (rc < 0)
		return rc;
	dsdt = acpi_tables_find(&t, "DSDT");
	madt = acpi_tables_find(&t, "APIC");
	if (!madt || !is_madt(from->p + madt->at, madt->n))
		return err_set(e, ERR_PROTO, "ACPI table APIC is malformed");
	w.cpus = count_cpus(from->p + madt->at, madt->n);
	bytes = malloc((size_t)dsdt->n + ROOM);
	if (!bytes)
		return err_set(e, -ENOMEM, "no memory for ACPI tables");
	memcpy(bytes, from->p + dsdt->at, dsdt->n);
	w.dsdt = (struct aml){ .p = bytes, .n = dsdt->n, .cap = (size_t)dsdt->n + ROOM };
	rc = acpi_steps(&w, e);
	if (rc == 0)
		rc = acpi_check_constant(&w, from, &t, e);
	if (rc < 0)
		return err_wrap(e, rc, "ACPI tables of QEMU %s from those of %s", wanted, is);
	if (assemble(from, &t, &w, ret) < 0 || pad(ret, begin) < 0) {
		ret->n = begin;
		return err_set(e, ERR_LIMIT, "ACPI tables of more than %zu bytes", ret->max);
	}
	return 0;
}
