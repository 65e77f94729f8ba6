/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of aml: a DSDT of QEMU's is walked whole; changes mend every length around them. */
#undef NDEBUG
#include "wire/aml.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "wire/acpi.h"

#define VECTORS SOURCE_DIR "/tests/vectors/acpi/"

enum { CAP = 128 * 1024 };

/* The DSDT's terms, with room; the caller frees a.p. */
static struct aml load(void)
{
	struct buf b = { .p = NULL };
	struct acpi_tables t;
	struct aml a = { .cap = CAP };
	const struct acpi_table *dsdt;

	assert(file_read(AT_FDCWD, VECTORS "qemu-7.2.tables", ACPI_BLOB_MAX, &b, NULL) == 0);
	assert(acpi_tables_read(b.p, b.n, &t, NULL) == 0);
	dsdt = acpi_tables_find(&t, "DSDT");
	a.n = dsdt->n - ACPI_HEADER_SIZE;
	a.p = calloc(1, CAP);
	assert(a.p);
	memcpy(a.p, b.p + dsdt->at + ACPI_HEADER_SIZE, a.n);
	buf_deinit(&b);
	return a;
}

static size_t count(const struct aml *a)
{
	struct aml_walk w = aml_walk_from(a, 0);
	struct aml_term t;
	size_t n = 0;
	int rc;

	while ((rc = aml_walk_next(a, &w, &t, NULL)) > 0)
		n++;
	assert(rc == 0);
	return n;
}

static struct aml_term must(const struct aml *a, enum aml_kind kind, const char *path)
{
	struct aml_term t;

	assert(aml_find(a, 0, kind, path, &t, NULL) == 1);
	return t;
}

static void test_names_are_told_from_the_root(void)
{
	struct aml a = load();
	struct aml_term t;

	assert(count(&a) > 200);
	t = must(&a, AML_DEVICE, "_SB_.PCI0");
	assert(t.depth == 1 && t.outer[0] < t.at);
	(void)must(&a, AML_METHOD, "_GPE._E01");
	(void)must(&a, AML_NAME, "_SB_.PCI0.S08_._ADR");
	/* a scope of the root inside a device, and what follows it in that device */
	(void)must(&a, AML_OTHER, "_SB_.PCI0.SF8_.PIRQ");
	(void)must(&a, AML_NAME, "_SB_.PCI0.SF8_.COM1._CRS");
	(void)must(&a, AML_NAME, "_SB_.PC05._UID");
	assert(aml_find(&a, 0, AML_DEVICE, "_SB_.PCI1", &t, NULL) == 0);
	assert(aml_find(&a, 0, AML_NAME, "_SB_.PCI0", &t, NULL) == 0);
	free(a.p);
}

/* Whatever its size, what was put in is found again, everything else stays, and taking it away undoes it. */
static void test_changes_mend_the_lengths_around_them(void)
{
	static const size_t sizes[] = { 1, 40, 63, 64, 300, 4095, 4096, 5000, 60000 };
	struct aml a = load();
	struct buf before = BUF_MAX(CAP);
	size_t i, n = count(&a);

	assert(buf_add(&before, a.p, a.n) == 0);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct buf name = BUF_MAX(CAP);
		struct aml_term t = must(&a, AML_DEVICE, "_SB_.PCI0.SF8_.COM1");

		assert(buf_add(&name, "\x08TEST\x0d", 6) == 0);
		assert(buf_reserve(&name, sizes[i] + 1) == 0);
		memset(name.p + name.n, 'x', sizes[i]);
		name.n += sizes[i];
		assert(buf_add(&name, "", 1) == 0);
		assert(aml_append(&a, &t, name.p, name.n, NULL) == 0);
		t = must(&a, AML_NAME, "_SB_.PCI0.SF8_.COM1.TEST");
		assert(t.n == name.n && count(&a) == n + 1);
		(void)must(&a, AML_METHOD, "_GPE._E01");
		assert(aml_replace(&a, &t, NULL, 0, NULL) == 0);
		assert(a.n == before.n && memcmp(a.p, before.p, a.n) == 0);
		buf_deinit(&name);
	}
	buf_deinit(&before);
	free(a.p);
}

static void test_what_is_put_before_a_term_is_not_in_it(void)
{
	static const uint8_t name[] = { 0x08, 'T', 'E', 'S', 'T', 0x00 };
	struct aml a = load();
	struct aml_term t = must(&a, AML_DEVICE, "_SB_.PCI0.SFB_");

	assert(aml_insert(&a, &t, name, sizeof(name), NULL) == 0);
	t = must(&a, AML_NAME, "_SB_.PCI0.TEST");
	assert(must(&a, AML_DEVICE, "_SB_.PCI0.SFB_").at == t.at + t.n);
	free(a.p);
}

static void test_there_must_be_room(void)
{
	static const uint8_t name[] = { 0x08, 'T', 'E', 'S', 'T', 0x00 };
	struct aml a = load();
	struct aml_term t = must(&a, AML_DEVICE, "_SB_.PCI0");
	struct err e;

	a.cap = a.n + sizeof(name) - 1;
	assert(aml_append(&a, &t, name, sizeof(name), &e) == -EMSGSIZE);
	free(a.p);
}

static int walks(const void *p, size_t n)
{
	/* not const, as terms can be changed; the walk does not */
	uint8_t copy[256];
	struct aml a = { .p = copy, .n = n, .cap = sizeof(copy) };
	struct aml_walk w = aml_walk_from(&a, 0);
	struct aml_term t;
	int rc;

	memcpy(copy, p, n);
	do {
		rc = aml_walk_next(&a, &w, &t, NULL);
	} while (rc > 0);
	return rc;
}

static void test_lies_are_refused(void)
{
	static const struct {
		const char *p;
		size_t n;
		int rc;
	} cases[] = {
		{ "", 0, 0 },
		{ "\x08TEST\x00", 6, 0 },
		{ "\x08TEST", 5, ERR_PROTO },		/* no value */
		{ "\x08TEST\x0e\1\2\3", 9, ERR_PROTO }, /* of 8 bytes */
		{ "\x08TEST\x0dx", 7, ERR_PROTO },	/* a string without an end */
		{ "\x08TEST\x60", 6, ERR_PROTO },	/* no constant */
		{ "\x08test\x00", 6, ERR_PROTO },
		{ "\x08TE", 3, ERR_PROTO },
		{ "\x10\x05TEST", 6, 0 },
		{ "\x10\x06TEST", 6, ERR_PROTO }, /* longer than all */
		{ "\x10\x04TEST", 6, ERR_PROTO }, /* shorter than its name */
		{ "\x10\x00TEST", 6, ERR_PROTO },
		{ "\x10\x70TEST", 6, ERR_PROTO },
		{ "\x10\x76\x00TEST", 7, ERR_PROTO }, /* bits that must be zero */
		{ "\x10", 1, ERR_PROTO },
		{ "\x10\x4f", 2, ERR_PROTO },
		{ "\x5b", 1, ERR_PROTO },
		{ "\x5b\x99", 2, ERR_PROTO },
		{ "\x5b\x82\x05TEST", 7, 0 },
		{ "\x14\x05TEST", 6, ERR_PROTO }, /* no flags */
		{ "\x10\x03\x2f\x09", 4, ERR_PROTO },
		{ "\x10\x02\x2f", 3, ERR_PROTO },
		{ "\xa0\x01", 2, ERR_PROTO },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert(walks(cases[i].p, cases[i].n) == cases[i].rc);
}

static void test_depth_is_bounded(void)
{
	static const uint8_t name[AML_SEGMENT] = { 'T', 'E', 'S', 'T' };
	uint8_t bytes[6 * (AML_DEPTH_MAX + 1)];
	struct aml a = { .p = bytes, .n = sizeof(bytes), .cap = sizeof(bytes) };
	struct aml_walk w = aml_walk_from(&a, 0);
	struct aml_term t;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(bytes); i += 6) {
		bytes[i] = 0x10;
		bytes[i + 1] = (uint8_t)(sizeof(bytes) - i - 1);
		memcpy(bytes + i + 2, name, sizeof(name));
	}
	do {
		rc = aml_walk_next(&a, &w, &t, NULL);
	} while (rc > 0);
	assert(rc == ERR_PROTO);
}

static void test_numbers_and_lengths_are_as_short_as_can_be(void)
{
	uint8_t bytes[64];
	struct aml_out o = { .p = bytes, .cap = sizeof(bytes) };
	static const uint8_t want[] = { 0x00, 0x01, 0x0a, 0x02, 0x0a, 0xff, 0x0b, 0x00, 0x01,
					0x0c, 0x00, 0x00, 0x01, 0x00, 0x3f, 0x41, 0x04, 0x4f,
					0xff, 0x81, 0x00, 0x01, 0xc1, 0x00, 0x00, 0x01 };
	size_t begin;

	aml_put_int(&o, 0);
	aml_put_int(&o, 1);
	aml_put_int(&o, 2);
	aml_put_int(&o, 255);
	aml_put_int(&o, 256);
	aml_put_int(&o, 65536);
	aml_put_package_length(&o, 62);
	aml_put_package_length(&o, 63);
	aml_put_package_length(&o, 4093);
	aml_put_package_length(&o, 4094);
	aml_put_package_length(&o, (1 << 20) - 3);
	assert(o.n == sizeof(want) && memcmp(bytes, want, sizeof(want)) == 0);
	o.n = 0;
	begin = aml_begin(&o, 0x5b82);
	aml_put(&o, "TEST", 4);
	aml_end(&o, begin);
	assert(o.n == 7 && memcmp(bytes, "\x5b\x82\x05TEST", 7) == 0);
	o.n = sizeof(bytes) - 1;
	aml_put_int(&o, 2);
	assert(o.is_full && o.n == sizeof(bytes) - 1);
}

int main(void)
{
	test_names_are_told_from_the_root();
	test_changes_mend_the_lengths_around_them();
	test_what_is_put_before_a_term_is_not_in_it();
	test_there_must_be_room();
	test_lies_are_refused();
	test_depth_is_bounded();
	test_numbers_and_lengths_are_as_short_as_can_be();
	return 0;
}
