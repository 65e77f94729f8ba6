/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each step puts one place into the form that is wanted, whichever of its known forms it has; so the steps do not
 * depend on which version the tables are of, and a place in an unknown form stops them.
 *
 * What no step looks at is taken to be the same in all versions.  To notice where that ends, the result's constant
 * places are digested, and the digest must be one that tables of that version are known to have.
 */
#include "tee/acpi_steps.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "tee/acpi_forms.h"
#include "tee/acpi_ports.h"
#include "tee/acpi_profile.h"
#include "wire/acpi.h"

enum { METHOD_MAX = 4096 };

static int find(const struct acpi_work *w, enum aml_kind kind, const char *path,
		struct aml_term *ret, struct err *e)
{
	*ret = (struct aml_term){ .n = 0 };
	return aml_find(&w->dsdt, ACPI_HEADER_SIZE, kind, path, ret, e);
}

static int unknown(const char *what, struct err *e)
{
	return err_set(e, ERR_MISSING, "%s is in a form that nobody knows", what);
}

static bool is(const struct acpi_work *w, const struct aml_term *t, const struct acpi_bytes *b)
{
	return t->n == b->n && memcmp(w->dsdt.p + t->at, b->p, b->n) == 0;
}

static int need(const struct acpi_work *w, enum aml_kind kind, const char *path,
		struct aml_term *ret, struct err *e)
{
	int rc = find(w, kind, path, ret, e);

	return rc == 0 ? err_set(e, ERR_MISSING, "there is no %s", path) : rc < 0 ? rc : 0;
}

/* 7.2 has PCI0._ADR and no EDSM. */
static int step_pci0(struct acpi_work *w, struct err *e)
{
	struct aml_term t, edsm = { .n = 0 };
	int rc;

	rc = find(w, AML_NAME, "_SB_.PCI0._ADR", &t, e);
	if (rc > 0)
		rc = aml_replace(&w->dsdt, &t, NULL, 0, e);
	if (rc == 0)
		rc = need(w, AML_DEVICE, "_SB_.PCI0", &t, e);
	if (rc == 0)
		rc = find(w, AML_METHOD, "_SB_.PCI0.EDSM", &edsm, e);
	if (rc > 0)
		return is(w, &edsm, &acpi_edsm) ? 0 : unknown("_SB_.PCI0.EDSM", e);
	return rc < 0 ? rc : aml_append(&w->dsdt, &t, acpi_edsm.p, acpi_edsm.n, e);
}

static int step_pdsm(struct acpi_work *w, struct err *e)
{
	const struct acpi_bytes *form = w->to->is_edge ? &acpi_pdsm_tdx : &acpi_pdsm;
	struct aml_term t;
	int rc = find(w, AML_METHOD, "_SB_.PCI0.PDSM", &t, e);

	if (rc <= 0) /* hot-plug is off */
		return rc;
	if (!is(w, &t, &acpi_pdsm) && !is(w, &t, &acpi_pdsm_tdx) && !is(w, &t, &acpi_pdsm_72))
		return unknown("_SB_.PCI0.PDSM", e);
	return aml_replace(&w->dsdt, &t, form->p, form->n, e);
}

static int step_cpu_scan(struct acpi_work *w, struct err *e)
{
	uint8_t at_once[METHOD_MAX / 2], queued[METHOD_MAX / 2];
	struct aml_out a = { .p = at_once, .cap = sizeof(at_once) };
	struct aml_out b = { .p = queued, .cap = sizeof(queued) };
	const struct aml_out *form = w->to->has_queue ? &b : &a;
	struct aml_term t;
	int rc = need(w, AML_METHOD, "_SB_.CPUS.CSCN", &t, e);

	if (rc < 0)
		return rc;
	acpi_put_cscn(&a, w->cpus, false);
	acpi_put_cscn(&b, w->cpus, true);
	if (!is(w, &t, &(struct acpi_bytes){ a.p, a.n }) &&
	    !is(w, &t, &(struct acpi_bytes){ b.p, b.n }))
		return unknown("_SB_.CPUS.CSCN", e);
	return aml_replace(&w->dsdt, &t, form->p, form->n, e);
}

static int step_pres_ini(struct acpi_work *w, struct err *e)
{
	struct aml_term t = { .n = 0 }, pres;
	int rc = need(w, AML_DEVICE, "_SB_.PCI0.PRES", &pres, e);

	if (rc == 0)
		rc = find(w, AML_METHOD, "_SB_.PCI0.PRES._INI", &t, e);
	if (rc < 0)
		return rc;
	if (rc > 0 && !is(w, &t, &acpi_pres_ini))
		return unknown("_SB_.PCI0.PRES._INI", e);
	if (rc > 0 && !w->to->has_pres_ini)
		return aml_replace(&w->dsdt, &t, NULL, 0, e);
	if (rc == 0 && w->to->has_pres_ini)
		return aml_append(&w->dsdt, &pres, acpi_pres_ini.p, acpi_pres_ini.n, e);
	return 0;
}

/* A buffer of resources: its length, its size, the descriptors. */
static int step_com(struct acpi_work *w, struct err *e)
{
	const struct acpi_bytes *form =
		w->to->has_shared_com ? &acpi_com_irq_shared : &acpi_com_irq;
	uint8_t bytes[256];
	struct aml_out o = { .p = bytes, .cap = sizeof(bytes) };
	const uint8_t *crs, *irq;
	size_t at, end, n_old, part;
	struct aml_term t;
	int rc = need(w, AML_NAME, "_SB_.PCI0.SF8_.COM1._CRS", &t, e);

	if (rc < 0)
		return rc;
	at = t.body + 1;
	end = aml_package_end(&w->dsdt, &at, t.at + t.n);
	if (w->dsdt.p[t.body] != 0x11 || end == 0 || end - at < 2 || w->dsdt.p[at] != 0x0a ||
	    w->dsdt.p[at + 1] != end - at - 2)
		return unknown("COM1's _CRS", e);
	crs = w->dsdt.p + at + 2;
	end -= at + 2;
	n_old = acpi_com_irq.n;
	irq = memmem(crs, end, acpi_com_irq.p, acpi_com_irq.n);
	if (!irq) {
		n_old = acpi_com_irq_shared.n;
		irq = memmem(crs, end, acpi_com_irq_shared.p, acpi_com_irq_shared.n);
	}
	if (!irq || end > UINT8_MAX - acpi_com_irq_shared.n)
		return unknown("COM1's interrupt", e);
	aml_put(&o, w->dsdt.p + t.at, t.body - t.at);
	part = aml_begin(&o, 0x11);
	aml_put(&o, (const uint8_t[]){ 0x0a, (uint8_t)(end - n_old + form->n) }, 2);
	aml_put(&o, crs, (size_t)(irq - crs));
	aml_put(&o, form->p, form->n);
	aml_put(&o, irq + n_old, end - (size_t)(irq - crs) - n_old);
	aml_end(&o, part);
	return o.is_full ? unknown("COM1's _CRS", e) : aml_replace(&w->dsdt, &t, o.p, o.n, e);
}

/* Interrupt descriptors of one or three numbers, consumer, active high, shared: bit 1 of the flags is "edge". */
static void set_trigger(const struct acpi_work *w, const struct aml_term *t)
{
	static const uint8_t kinds[][2] = { { 0x06, 1 }, { 0x0e, 3 } }; /* length, numbers */
	uint8_t flags = w->to->is_edge ? 0x0b : 0x09;
	uint8_t *p = w->dsdt.p + t->at, *end = p + t->n;
	size_t i;

	for (; end - p >= 5; p++) {
		for (i = 0; i < 2; i++) {
			if (p[0] == 0x89 && p[1] == kinds[i][0] && p[2] == 0 &&
			    (p[3] == 0x09 || p[3] == 0x0b) && p[4] == kinds[i][1])
				p[3] = flags;
		}
	}
}

static int step_links(struct acpi_work *w, struct err *e)
{
	struct aml_walk walk = aml_walk_from(&w->dsdt, ACPI_HEADER_SIZE);
	struct aml_term t;
	int rc;

	while ((rc = aml_walk_next(&w->dsdt, &walk, &t, e)) > 0) {
		if ((t.kind == AML_NAME || t.kind == AML_METHOD) &&
		    (str_starts(t.path, "_SB_.LNK") || str_starts(t.path, "_SB_.GSI") ||
		     str_equal(t.path, "_SB_.IQCR")))
			set_trigger(w, &t);
	}
	return rc;
}

static int step_sata(struct acpi_work *w, struct err *e)
{
	struct aml_term t;
	int rc = find(w, AML_DEVICE, "_SB_.PCI0.SFA_", &t, e);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = need(w, AML_DEVICE, "_SB_.PCI0.SFB_", &t, e);
	return rc < 0 ? rc : aml_insert(&w->dsdt, &t, acpi_sata.p, acpi_sata.n, e);
}

static int step_ports(struct acpi_work *w, struct err *e)
{
	return acpi_ports(&w->dsdt, ACPI_HEADER_SIZE, w->machine, e);
}

static bool is_expander_prt(const struct aml_term *t)
{
	return t->kind == AML_METHOD && str_starts(t->path, "_SB_.PC") &&
	       str_ends(t->path, "._PRT") && strlen(t->path) == strlen("_SB_.PCxx._PRT");
}

static int step_expanders(struct acpi_work *w, struct err *e)
{
	auto_free uint8_t *bytes = xcalloc(1, METHOD_MAX);
	struct aml_out o = { .p = bytes, .cap = METHOD_MAX };
	struct aml_walk walk = aml_walk_from(&w->dsdt, ACPI_HEADER_SIZE);
	struct aml_term t;
	int rc;

	acpi_put_prt(&o);
	while ((rc = aml_walk_next(&w->dsdt, &walk, &t, e)) > 0) {
		if (!is_expander_prt(&t) || is(w, &t, &(struct acpi_bytes){ o.p, o.n }) ||
		    str_equal(t.path, "_SB_.PCI0._PRT"))
			continue;
		if (!is(w, &t, &acpi_prt_loop))
			return unknown(t.path, e);
		rc = aml_replace(&w->dsdt, &t, o.p, o.n, e);
		if (rc < 0)
			return rc;
		walk = aml_walk_from(&w->dsdt, ACPI_HEADER_SIZE);
	}
	return rc;
}

static void put_le64(uint8_t *p, uint64_t v)
{
	size_t i;

	for (i = 0; i < 8; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

/* QWordMemory (ResourceProducer, Cacheable, ReadWrite) from 0x380000000000 */
static int step_hole64(struct acpi_work *w, struct err *e)
{
	static const uint8_t begins[] = { 0x8a, 0x2b, 0x00, 0x00, 0x0c, 0x03, 0, 0, 0, 0,
					  0,	0,    0,    0,	  0,	0,    0, 0, 0, 0x38 };
	static const uint64_t base = UINT64_C(0x380000000000), gib = UINT64_C(1) << 30;
	uint64_t size = (w->machine->pci_hole64_size + gib - 1) / gib * gib;
	struct aml_term t;
	uint8_t *at;
	int rc;

	if (size == 0)
		return 0;
	rc = need(w, AML_NAME, "_SB_.PCI0._CRS", &t, e);
	if (rc < 0)
		return rc;
	at = memmem(w->dsdt.p + t.at, t.n, begins, sizeof(begins));
	if (!at || w->dsdt.p + t.at + t.n - at < 46)
		return unknown("the 64-bit window of PCI0._CRS", e);
	/* granularity at 6, then the least address, the greatest, the translation, the length */
	put_le64(at + 22, base + size - 1);
	put_le64(at + 30, 0);
	put_le64(at + 38, size);
	return 0;
}

int acpi_steps(struct acpi_work *w, struct err *e)
{
	static int (*const steps[])(struct acpi_work *, struct err *) = {
		step_pci0, step_pdsm,  step_cpu_scan, step_pres_ini,  step_com,
		step_sata, step_links, step_ports,    step_expanders,
	};
	size_t i;
	int rc = 0;

	for (i = 0; w->to && rc == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		rc = steps[i](w, e);
	return rc < 0 ? rc : step_hole64(w, e);
}

/* Is this one of the places that depend on the machine, or that a step puts in order? */
static bool is_variable(const struct aml_term *t)
{
	static const char slot[] = "_SB_.PCI0.S00_";

	if (str_starts(t->path, "_SB_.CPUS."))
		return t->kind == AML_OTHER || str_equal(t->path, "_SB_.CPUS.CSCN") ||
		       str_equal(t->path, "_SB_.CPUS.CTFY");
	if (str_starts(t->path, "_SB_.PCI0.S"))
		return !str_starts(t->path, "_SB_.PCI0.SF") && strlen(t->path) >= sizeof(slot) - 1;
	return str_equal(t->path, "_SB_.PCI0._CRS") || str_equal(t->path, "_SB_.PCI0.PCNT") ||
	       str_equal(t->path, "_GPE._E01") ||
	       (str_starts(t->path, "_SB_.PC") && !str_starts(t->path, "_SB_.PCI0"));
}

/* The DSDT's other places, and the tables WAET and MCFG. */
static int digest_constant(const struct acpi_work *w, const struct buf *from,
			   const struct acpi_tables *tables, char ret[static 65], struct err *e)
{
	static const char *const whole[] = { "MCFG", "WAET" };
	struct aml_walk walk = aml_walk_from(&w->dsdt, ACPI_HEADER_SIZE);
	auto_buf struct buf all = BUF_MAX(ACPI_BLOB_MAX);
	struct digest256 d;
	struct aml_term t;
	size_t i;
	int rc;

	while ((rc = aml_walk_next(&w->dsdt, &walk, &t, e)) > 0) {
		if (t.kind == AML_SCOPE || t.kind == AML_DEVICE || is_variable(&t))
			continue;
		if (buf_add(&all, t.path, strlen(t.path) + 1) < 0 ||
		    buf_add(&all, w->dsdt.p + t.at, t.n) < 0)
			return err_set(e, ERR_LIMIT, "too much AML");
	}
	for (i = 0; rc == 0 && i < sizeof(whole) / sizeof(whole[0]); i++) {
		const struct acpi_table *table = acpi_tables_find(tables, whole[i]);

		if (table && buf_add(&all, from->p + table->at, table->n) < 0)
			rc = err_set(e, ERR_LIMIT, "too much AML");
	}
	d = digest256_bytes(all.p, all.n);
	str_hex(ret, d.b, sizeof(d.b));
	return rc;
}

int acpi_check_constant(const struct acpi_work *w, const struct buf *from,
			const struct acpi_tables *tables, struct err *e)
{
	char hex[65];
	int rc;

	if (!w->to)
		return 0;
	rc = digest_constant(w, from, tables, hex, e);
	if (rc < 0)
		return rc;
	if (!str_equal(hex, w->to->constant[0]) && !str_equal(hex, w->to->constant[1]))
		return err_set(e, ERR_MISSING,
			       "this QEMU has parts (%.16s) that no known one of them has", hex);
	return 0;
}
