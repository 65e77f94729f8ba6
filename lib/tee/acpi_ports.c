/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Later versions describe what is behind a port first and add what hot-plugging needs in a scope of its own:
 *
 *	7.2	Device (S30) { _ADR, BSEL, Device (S00) { _ADR, ASUN, _DSM, _SUN, _EJ0 }, DVNT, PCNT }
 *	later	Device (S30) { _ADR, Device (S00) { _ADR }, BSEL, Scope (S00) { ASUN, _DSM, _SUN, _EJ0 }, DVNT }
 *		... Scope (\_SB.PCI0) { Scope (S30) { PCNT }, PCNT }
 *
 * In both PCI0.PCNT calls those of its ports, and that is where their order is taken from.  Where hot-plug is off, later
 * versions tell of the device behind the port, and 7.2 does not.
 */
#include "tee/acpi_ports.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "tee/acpi_forms.h"
#include "tee/acpi_profile.h"

enum {
	OP_SCOPE = 0x10,
	OP_DEVICE = 0x5b82,
	CALL_SIZE = 10, /* ^Sxx.PCNT */
	PORT_MAX = 1024,
	CALLS_MAX = 512,
	SCOPES_MAX = 2048,
	PORT_PATH_MAX = 64,
};

#define PCI0 "_SB_.PCI0"

/* Method _DSM(4, Serialized) { Local0 = Package { BSEL, ASUN }; Return (PDSM (Arg0, Arg1, Arg2, Arg3, Local0)) } */
static const uint8_t dsm_72[] = { 0x14, 0x1d, 0x5f, 0x44, 0x53, 0x4d, 0x0c, 0x70, 0x12, 0x0a,
				  0x02, 0x42, 0x53, 0x45, 0x4c, 0x41, 0x53, 0x55, 0x4e, 0x60,
				  0xa4, 0x50, 0x44, 0x53, 0x4d, 0x68, 0x69, 0x6a, 0x6b, 0x60 };

/* The same with Local0 = Package { 0, 0 }; Local0[0] = BSEL; Local0[1] = ASUN. */
static const uint8_t dsm_later[] = { 0x14, 0x29, 0x5f, 0x44, 0x53, 0x4d, 0x0c, 0x70, 0x12,
				     0x04, 0x02, 0x00, 0x00, 0x60, 0x70, 0x42, 0x53, 0x45,
				     0x4c, 0x88, 0x60, 0x00, 0x00, 0x70, 0x41, 0x53, 0x55,
				     0x4e, 0x88, 0x60, 0x01, 0x00, 0xa4, 0x50, 0x44, 0x53,
				     0x4d, 0x68, 0x69, 0x6a, 0x6b, 0x60 };

/* A port and what of it is moved. */
struct port {
	struct aml_term device, adr, bsel, behind, behind_adr, asun, dsm, dvnt, pcnt;
};

static int need(const struct aml *a, size_t from, enum aml_kind kind, const char *port,
		const char *name, struct aml_term *ret, struct err *e)
{
	char path[PORT_PATH_MAX];
	int rc;

	(void)str_format(path, sizeof(path), "%s%s", port, name);
	rc = aml_find(a, from, kind, path, ret, e);
	if (rc == 0)
		return err_set(e, ERR_MISSING, "a root port in a form that nobody knows: no %s",
			       path);
	return rc < 0 ? rc : 0;
}

static int find_port(const struct aml *a, size_t from, const char *path, struct port *ret,
		     struct err *e)
{
	const struct {
		enum aml_kind kind;
		const char *name;
		struct aml_term *term;
	} parts[] = {
		{ AML_DEVICE, "", &ret->device },
		{ AML_NAME, "._ADR", &ret->adr },
		{ AML_NAME, ".BSEL", &ret->bsel },
		{ AML_DEVICE, ".S00_", &ret->behind },
		{ AML_NAME, ".S00_._ADR", &ret->behind_adr },
		{ AML_NAME, ".S00_.ASUN", &ret->asun },
		{ AML_METHOD, ".S00_._DSM", &ret->dsm },
		{ AML_METHOD, ".DVNT", &ret->dvnt },
		{ AML_METHOD, ".PCNT", &ret->pcnt },
	};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		rc = need(a, from, parts[i].kind, path, parts[i].name, parts[i].term, e);
	if (rc == 0 && (ret->dsm.n != sizeof(dsm_72) ||
			memcmp(a->p + ret->dsm.at, dsm_72, sizeof(dsm_72)) != 0))
		rc = err_set(e, ERR_MISSING, "%s.S00_._DSM is in a form that nobody knows", path);
	return rc;
}

static void copy(struct aml_out *o, const struct aml *a, const struct aml_term *t)
{
	aml_put(o, a->p + t->at, t->n);
}

static void put_later(struct aml_out *o, const struct aml *a, const struct port *p)
{
	size_t device = aml_begin(o, OP_DEVICE), part;
	size_t rest = p->dsm.at + p->dsm.n;

	aml_put(o, p->device.path + strlen(p->device.path) - AML_SEGMENT, AML_SEGMENT);
	copy(o, a, &p->adr);
	part = aml_begin(o, OP_DEVICE);
	aml_put(o, "S00_", AML_SEGMENT);
	copy(o, a, &p->behind_adr);
	aml_end(o, part);
	copy(o, a, &p->bsel);
	part = aml_begin(o, OP_SCOPE);
	aml_put(o, "S00_", AML_SEGMENT);
	copy(o, a, &p->asun);
	aml_put(o, dsm_later, sizeof(dsm_later));
	aml_put(o, a->p + rest, p->behind.at + p->behind.n - rest); /* _SUN, _EJ0 */
	aml_end(o, part);
	copy(o, a, &p->dvnt);
	aml_end(o, device);
}

/* Put the port @name into the later form; its PCNT goes to @scopes. */
static int move_port(struct aml *a, size_t from, const uint8_t *name, struct aml_out *scopes,
		     struct err *e)
{
	uint8_t bytes[PORT_MAX];
	struct aml_out o = { .p = bytes, .cap = sizeof(bytes) };
	char path[PORT_PATH_MAX];
	struct port p;
	size_t scope;
	int rc;

	(void)str_format(path, sizeof(path), PCI0 ".%.4s", (const char *)name);
	rc = find_port(a, from, path, &p, e);
	if (rc < 0)
		return rc;
	scope = aml_begin(scopes, OP_SCOPE);
	aml_put(scopes, name, AML_SEGMENT);
	copy(scopes, a, &p.pcnt);
	aml_end(scopes, scope);
	put_later(&o, a, &p);
	if (o.is_full)
		return err_set(e, ERR_LIMIT, "a root port of more than %d bytes", PORT_MAX);
	return aml_replace(a, &p.device, o.p, o.n, e);
}

/* PCI0.PCNT and those of its ports, in a scope of their own, before what calls it. */
static int put_scopes(struct aml *a, size_t from, const struct aml_out *scopes, struct err *e)
{
	struct aml_term caller, before = { .depth = 0 };
	uint8_t bytes[SCOPES_MAX + 64];
	struct aml_out o = { .p = bytes, .cap = sizeof(bytes) };
	size_t scope = aml_begin(&o, OP_SCOPE);
	int rc = need(a, from, AML_METHOD, "_GPE", "._E01", &caller, e);

	if (rc < 0)
		return rc;
	aml_put(&o, "\\._SB_PCI0", 10);
	aml_put(&o, scopes->p, scopes->n);
	aml_end(&o, scope);
	if (o.is_full || scopes->is_full)
		return err_set(e, ERR_LIMIT, "root ports of more than %d bytes", SCOPES_MAX);
	before.at = caller.depth ? caller.outer[0] : caller.at;
	return aml_insert(a, &before, o.p, o.n, e);
}

/* Hot-plug is on: PCI0.PCNT is among the devices in 7.2 only. */
static int hotplug_ports(struct aml *a, size_t from, const struct aml_term *pcnt, struct err *e)
{
	uint8_t calls[CALLS_MAX], bytes[SCOPES_MAX];
	struct aml_out method = { .p = calls, .cap = sizeof(calls) };
	struct aml_out scopes = { .p = bytes, .cap = sizeof(bytes) };
	size_t at, head = pcnt->body - pcnt->at;
	struct aml_term e01;
	int rc;

	copy(&method, a, pcnt);
	if (method.is_full || (method.n - head) % CALL_SIZE)
		return err_set(e, ERR_MISSING, PCI0 ".PCNT is in a form that nobody knows");
	rc = aml_replace(a, pcnt, NULL, 0, e);
	if (rc == 0 && method.n == head) {
		rc = need(a, from, AML_METHOD, "_GPE", "._E01", &e01, e);
		return rc < 0 ? rc : aml_replace(a, &e01, acpi_e01_empty.p, acpi_e01_empty.n, e);
	}
	for (at = head; rc == 0 && at < method.n; at += CALL_SIZE)
		rc = move_port(a, from, method.p + at + 2, &scopes, e); /* behind ^ and . */
	aml_put(&scopes, method.p, method.n);
	return rc < 0 ? rc : put_scopes(a, from, &scopes, e);
}

/* Hot-plug is off: the slot alone says which devices are ports. */
static int plain_port(struct aml *a, size_t from, uint32_t slot, struct err *e)
{
	struct aml_term device, behind;
	char path[PORT_PATH_MAX];
	int rc;

	(void)str_format(path, sizeof(path), PCI0 ".S%02X_.S00_", slot << 3);
	rc = aml_find(a, from, AML_DEVICE, path, &behind, e);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	path[strlen(path) - AML_SEGMENT - 1] = 0;
	rc = need(a, from, AML_DEVICE, path, "", &device, e);
	return rc < 0 ? rc : aml_append(a, &device, acpi_behind_port.p, acpi_behind_port.n, e);
}

int acpi_ports(struct aml *dsdt, size_t from, const struct acpi_machine *m, struct err *e)
{
	struct aml_term pcnt, sata;
	uint32_t i;
	int rc;

	/* the scope that has the chipset's devices has PCI0.PCNT in 7.2 */
	rc = aml_find(dsdt, from, AML_METHOD, PCI0 ".PCNT", &pcnt, e);
	if (rc > 0) {
		rc = need(dsdt, from, AML_DEVICE, PCI0, ".SFB_", &sata, e);
		rc = rc < 0 ? rc : pcnt.outer[0] == sata.outer[0];
	}
	if (rc > 0)
		return hotplug_ports(dsdt, from, &pcnt, e);
	for (i = 0; rc == 0 && i < m->ports; i++)
		rc = plain_port(dsdt, from, m->first_port + i, e);
	return rc;
}
