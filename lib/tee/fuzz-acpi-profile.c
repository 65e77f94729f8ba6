/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-acpi-profile: input is a byte that chooses a version and a machine, then a blob of tables.  What comes of it is
 * a blob again.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "tee/acpi_profile.h"
#include "wire/acpi.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char *const versions[] = { "7.2.0",  "8.0.0",  "9.2.0", "10.0.0",
						"11.0.0", "11.1.0", "6.0.0", "12.0.0" };
	auto_buf struct buf from = BUF_MAX(ACPI_BLOB_MAX), to = BUF_MAX(ACPI_BLOB_MAX);
	struct acpi_machine m = { 0 };
	struct acpi_tables t;
	struct err e;

	if (n < 1 || buf_add(&from, p + 1, n - 1) < 0)
		return 0;
	m.pic = p[0] & 8;
	m.ports = p[0] & 16 ? 2 : 0;
	m.first_port = p[0] & 32 ? 6 : 1;
	m.pci_hole64_size = p[0] & 64 ? UINT64_C(1) << 40 : 0;
	if (acpi_profile(&from, "7.2.0", versions[p[0] & 7], &m, &to, &e) == 0)
		assert(acpi_tables_read(to.p, to.n, &t, &e) == 0 && to.n == acpi_blob_size(&t));
	return 0;
}
