/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The blob is a row of tables whose headers give their lengths, then zeros.  Before firmware has placed it a pointer
 * holds the offset in the blob that it will point to, so the row can be held to its own pointers.
 *
 * The script's commands come in the order in which QEMU builds tables: the DSDT, the FACP with its pointers, the
 * others, the RSDT, the root pointer.
 */
#include "wire/acpi.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/rd.h"

enum {
	FACS_SIZE = 64,
	FACP_SIZE = 244,
	FACP_FACS = 36, /* FIRMWARE_CTRL */
	FACP_DSDT = 40,
	FACP_X_DSDT = 140,
	CHECKSUM_AT = 9,
	COMMAND_SIZE = 128,
	NAME_SIZE = 56, /* of a file, in a command */
	ZONE_HIGH = 1,
	ZONE_FSEG = 2,
};

/* Commands of the script. */
enum { ALLOCATE = 1, ADD_POINTER = 2, ADD_CHECKSUM = 3 };

#define TABLES_FILE "etc/acpi/tables"
#define RSDP_FILE   "etc/acpi/rsdp"

static bool is_name(const uint8_t *p)
{
	size_t i;

	for (i = 0; i < 4; i++) {
		if (!((p[i] >= 'A' && p[i] <= 'Z') || (p[i] >= '0' && p[i] <= '9')))
			return false;
	}
	return true;
}

static bool is_listed(const struct acpi_table *t)
{
	return strcmp(t->name, "FACS") != 0 && strcmp(t->name, "DSDT") != 0 &&
	       strcmp(t->name, "RSDT") != 0;
}

const struct acpi_table *acpi_tables_find(const struct acpi_tables *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->n_tables; i++) {
		if (strcmp(t->table[i].name, name) == 0)
			return &t->table[i];
	}
	return NULL;
}

/* One more table at @r; 1, or 0 if there are zeros. */
static int next_table(struct rd *r, uint32_t at, struct acpi_tables *t, struct err *e)
{
	static const uint8_t nothing[4];
	struct acpi_table *into = &t->table[t->n_tables];
	struct rd head = *r;
	const uint8_t *name = rd_take(&head, 4);
	uint32_t least;

	if (rd_left(r) == 0 || memcmp(r->p, nothing, rd_left(r) < 4 ? rd_left(r) : 4) == 0)
		return 0;
	if (t->n_tables == ACPI_TABLES_MAX)
		return err_set(e, ERR_LIMIT, "more than %d ACPI tables", ACPI_TABLES_MAX);
	if (!name || !is_name(name))
		return err_set(e, ERR_PROTO, "no ACPI table at %u", at);
	memcpy(into->name, name, 4);
	into->at = at;
	into->n = rd_le32(&head);
	least = t->n_tables == 0 ? FACS_SIZE : ACPI_HEADER_SIZE;
	if (head.failed || into->n < least || into->n > rd_left(r))
		return err_set(e, ERR_PROTO, "ACPI table %s at %u: %u bytes do not fit", into->name,
			       at, into->n);
	if (acpi_tables_find(t, into->name))
		return err_set(e, ERR_PROTO, "ACPI table %s is there twice", into->name);
	(void)rd_take(r, into->n);
	t->n_tables++;
	return 1;
}

static uint64_t le_at(const uint8_t *p, size_t n)
{
	struct rd r = rd_over(p, n);

	return rd_le(&r, n);
}

/* Do pointers hold the offsets of what they will point to? */
static int check_pointers(const uint8_t *p, const struct acpi_tables *t, struct err *e)
{
	const struct acpi_table *dsdt = acpi_tables_find(t, "DSDT");
	const struct acpi_table *facp = acpi_tables_find(t, "FACP");
	const struct acpi_table *rsdt = acpi_tables_find(t, "RSDT");
	size_t i, n = 0;

	if (!dsdt || !facp || !rsdt || strcmp(t->table[0].name, "FACS") != 0 ||
	    t->table[0].n != FACS_SIZE) {
		return err_set(e, ERR_PROTO, "not QEMU's tables: no %s",
			       !dsdt   ? "DSDT"
			       : !facp ? "FACP"
			       : !rsdt ? "RSDT"
				       : "FACS first");
	}
	if (facp->n != FACP_SIZE || le_at(p + facp->at + FACP_FACS, 4) != 0 ||
	    le_at(p + facp->at + FACP_DSDT, 4) != dsdt->at ||
	    le_at(p + facp->at + FACP_X_DSDT, 8) != dsdt->at)
		return err_set(e, ERR_PROTO, "ACPI table FACP does not point to FACS and DSDT");
	for (i = 0; i < t->n_tables; i++) {
		if (!is_listed(&t->table[i]))
			continue;
		n += 4;
		if (rsdt->n < ACPI_HEADER_SIZE + n ||
		    le_at(p + rsdt->at + ACPI_HEADER_SIZE + n - 4, 4) != t->table[i].at)
			return err_set(e, ERR_PROTO, "ACPI table RSDT does not point to %s",
				       t->table[i].name);
	}
	if (rsdt->n != ACPI_HEADER_SIZE + n)
		return err_set(e, ERR_PROTO, "ACPI table RSDT has pointers to nothing");
	return 0;
}

int acpi_tables_read(const uint8_t *p, size_t n, struct acpi_tables *ret, struct err *e)
{
	struct acpi_tables t = { .n_tables = 0 };
	struct rd r = rd_over(p, n);
	int rc;

	if (n > ACPI_BLOB_MAX)
		return err_set(e, ERR_LIMIT, "ACPI tables of %zu bytes; at most %d", n,
			       ACPI_BLOB_MAX);
	do {
		rc = next_table(&r, (uint32_t)(n - rd_left(&r)), &t, e);
	} while (rc > 0);
	if (rc < 0)
		return rc;
	t.used = n - rd_left(&r);
	for (; rd_left(&r) > 0; r.p++) {
		if (*r.p != 0)
			return err_set(e, ERR_PROTO, "bytes after the last ACPI table, at %zu",
				       n - rd_left(&r));
	}
	rc = check_pointers(p, &t, e);
	if (rc < 0)
		return rc;
	*ret = t;
	return 0;
}

size_t acpi_blob_size(const struct acpi_tables *t)
{
	return (t->used + ACPI_BLOB_ALIGN - 1) / ACPI_BLOB_ALIGN * ACPI_BLOB_ALIGN;
}

/* A script that is being written. */
struct script {
	uint8_t *p;
	size_t left; /* commands */
	size_t in;   /* bytes of the command that is being written */
};

static void put(struct script *s, uint64_t v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		s->p[s->in++] = (uint8_t)(v >> (8 * i));
}

static void put_name(struct script *s, const char *name)
{
	memcpy(s->p + s->in, name, strlen(name));
	s->in += NAME_SIZE;
}

static void begin(struct script *s, uint32_t command)
{
	/* ACPI_TABLES_MAX keeps the script within its size */
	assert(s->left > 0);
	s->left--;
	s->in = 0;
	put(s, command, 4);
}

static void end(struct script *s)
{
	s->p += COMMAND_SIZE;
}

static void allocate(struct script *s, const char *file, uint32_t align, uint8_t zone)
{
	begin(s, ALLOCATE);
	put_name(s, file);
	put(s, align, 4);
	put(s, zone, 1);
	end(s);
}

/* Every pointer is into the tables. */
static void pointer(struct script *s, const char *from, uint32_t at, uint8_t size)
{
	begin(s, ADD_POINTER);
	put_name(s, from);
	put_name(s, TABLES_FILE);
	put(s, at, 4);
	put(s, size, 1);
	end(s);
}

static void checksum(struct script *s, const char *file, uint32_t result, uint32_t at, uint32_t n)
{
	begin(s, ADD_CHECKSUM);
	put_name(s, file);
	put(s, result, 4);
	put(s, at, 4);
	put(s, n, 4);
	end(s);
}

static void table_checksum(struct script *s, const struct acpi_table *t)
{
	checksum(s, TABLES_FILE, t->at + CHECKSUM_AT, t->at, t->n);
}

void acpi_loader(const struct acpi_tables *t, uint8_t ret[static ACPI_LOADER_SIZE])
{
	struct script s = { .p = ret, .left = ACPI_LOADER_SIZE / COMMAND_SIZE };
	const struct acpi_table *facp = acpi_tables_find(t, "FACP");
	const struct acpi_table *rsdt = acpi_tables_find(t, "RSDT");
	uint32_t at;
	size_t i;

	memset(ret, 0, ACPI_LOADER_SIZE);
	allocate(&s, RSDP_FILE, 16, ZONE_FSEG);
	allocate(&s, TABLES_FILE, 64, ZONE_HIGH);
	table_checksum(&s, acpi_tables_find(t, "DSDT"));
	pointer(&s, TABLES_FILE, facp->at + FACP_FACS, 4);
	pointer(&s, TABLES_FILE, facp->at + FACP_DSDT, 4);
	pointer(&s, TABLES_FILE, facp->at + FACP_X_DSDT, 8);
	table_checksum(&s, facp);
	for (i = 0; i < t->n_tables; i++) {
		if (is_listed(&t->table[i]) && &t->table[i] != facp)
			table_checksum(&s, &t->table[i]);
	}
	for (at = ACPI_HEADER_SIZE; at < rsdt->n; at += 4)
		pointer(&s, TABLES_FILE, rsdt->at + at, 4);
	table_checksum(&s, rsdt);
	pointer(&s, RSDP_FILE, 16, 4);
	checksum(&s, RSDP_FILE, 8, 0, ACPI_RSDP_SIZE);
}

void acpi_rsdp(const struct acpi_tables *t, uint8_t ret[static ACPI_RSDP_SIZE])
{
	static const uint8_t begins[16] = "RSD PTR \0BOCHS \0";
	uint32_t at = acpi_tables_find(t, "RSDT")->at;
	size_t i;

	memcpy(ret, begins, sizeof(begins));
	for (i = 0; i < 4; i++)
		ret[16 + i] = (uint8_t)(at >> (8 * i));
}
