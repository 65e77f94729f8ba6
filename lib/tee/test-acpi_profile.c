/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of acpi_profile: from recorded tables of QEMU 7.2 (two CPUs, huge pages, a root port behind an expander).  The
 * digests were held to QEMU 10.0.2 and 11.1.3 themselves; tests/integration asks the QEMU of the machine, and
 * vmm/measure has the digests that dstack publishes.
 */
#undef NDEBUG
#include "tee/acpi_profile.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "wire/acpi.h"

#define VECTORS SOURCE_DIR "/tests/vectors/acpi/"
#define IS	"7.2.22"

static const struct acpi_machine machine = { .pic = false };

static struct buf base(void)
{
	struct buf b = { .p = NULL };

	assert(file_read(AT_FDCWD, VECTORS "qemu-7.2.tables", ACPI_BLOB_MAX, &b, NULL) == 0);
	return b;
}

static int to(const struct buf *from, const char *is, const char *wanted, struct buf *ret,
	      struct err *e)
{
	*ret = BUF_MAX(ACPI_BLOB_MAX);
	return acpi_profile(from, is, wanted, &machine, ret, e);
}

static void digest_is(const struct buf *b, const char *want)
{
	struct digest256 d = digest256_bytes(b->p, b->n);
	char hex[65];

	str_hex(hex, d.b, sizeof(d.b));
	if (!str_equal(hex, want)) {
		(void)fprintf(stderr, "it is %s, not %s\n", hex, want);
		abort();
	}
}

static const struct {
	const char *version, *sha256;
} known[] = {
	{ "8.0.0", "e38d7c1336afa55267735e97f73f8a4d72a7b9516fc91fd946cc5146ada5aa9d" },
	{ "9.2.0", "1fdd0bbd04a3755ce8c3eb4d4f5f341744bfdba5d1fe4d3ac22751e9bcf90ea5" },
	{ "10.0.0", "13de2f2fc451d24cb54f6614ba951f59755d275579fbd665403904d121f6a149" },
	{ "11.0.0", "9b6a35a7f3b0424751c6017e72ab0c8d51ba7d165ac0a63e338db7c02068bce1" },
	{ "11.1.0", "646e5cc620fd7819f8f4756c712619d2a72c29a175fc04b79867cee80e67cf82" },
};

static void test_each_version_s_tables(void)
{
	auto_buf struct buf from = base();
	struct err e = ERR_NONE;
	size_t i, k;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		auto_buf struct buf b = { .p = NULL };

		assert(to(&from, IS, known[i].version, &b, &e) == 0);
		digest_is(&b, known[i].sha256);
		/* and from each to each of the others */
		for (k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
			auto_buf struct buf c = { .p = NULL };

			assert(to(&b, known[i].version, known[k].version, &c, &e) == 0);
			digest_is(&c, known[k].sha256);
		}
	}
}

static void test_own_tables_stay_as_they_are(void)
{
	auto_buf struct buf from = base(), b = { .p = NULL };

	assert(to(&from, IS, "7.2.1", &b, NULL) == 0);
	assert(b.n == ACPI_BLOB_ALIGN && memcmp(b.p, from.p, from.n) == 0);
}

static void test_versions_that_cannot_be(void)
{
	auto_buf struct buf from = base(), b = { .p = NULL };
	static const char *const bad[] = {
		"", "9", "9.2", "9.2.1-rc1", "x", "99999.1.1", "9.2.1 "
	};
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(to(&from, IS, bad[i], &b, &e) == ERR_INPUT && b.n == 0);
	assert(to(&from, IS, "6.2.0", &b, &e) == ERR_MISSING && strstr(e.text, "6.2.0"));
}

/* A byte changed anywhere in the DSDT leads to a refusal, or to other tables; but in what later versions do not have. */
static void test_no_change_of_the_base_is_lost(void)
{
	auto_buf struct buf from = base(), good = { .p = NULL };
	size_t i, refused = 0, lost = 0;
	const struct acpi_table *dsdt;
	struct acpi_tables t;

	assert(to(&from, IS, "10.0.0", &good, NULL) == 0);
	assert(acpi_tables_read(from.p, from.n, &t, NULL) == 0);
	dsdt = acpi_tables_find(&t, "DSDT");
	for (i = dsdt->at + ACPI_HEADER_SIZE; i < dsdt->at + dsdt->n; i += 3) {
		auto_buf struct buf b = { .p = NULL };
		struct err e;

		from.p[i] ^= 1;
		if (to(&from, IS, "10.0.0", &b, &e) < 0)
			refused++;
		else if (b.n == good.n && memcmp(b.p, good.p, b.n) == 0)
			lost++;
		from.p[i] ^= 1;
	}
	(void)printf("%zu refused, %zu lost\n", refused, lost);
	assert(refused > 2000 && lost < 20);
}

static void test_the_64_bit_window(void)
{
	const struct acpi_machine wide = { .pci_hole64_size = (UINT64_C(1) << 50) - 1 };
	auto_buf struct buf from = base(), b = BUF_MAX(ACPI_BLOB_MAX);
	static const uint8_t length[8] = { 0, 0, 0, 0, 0, 0, 4, 0 };

	assert(acpi_profile(&from, IS, IS, &wide, &b, NULL) == 0);
	assert(memmem(b.p, b.n, length, sizeof(length)));
	assert(!memmem(from.p, from.n, length, sizeof(length)));
}

static void test_room_is_bounded(void)
{
	auto_buf struct buf from = base(), b = BUF_MAX(4096);
	struct err e;

	assert(acpi_profile(&from, IS, "10.0.0", &machine, &b, &e) == ERR_LIMIT && b.n == 0);
}

int main(void)
{
	test_each_version_s_tables();
	test_own_tables_stay_as_they_are();
	test_versions_that_cannot_be();
	test_no_change_of_the_base_is_lost();
	test_the_64_bit_window();
	test_room_is_bounded();
	return 0;
}
