/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-acpi: input is a blob of tables.  What is accepted lies within the blob, in order, and has a script and a root
 * pointer that fit.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "wire/acpi.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t script[ACPI_LOADER_SIZE], root[ACPI_RSDP_SIZE];
	struct acpi_tables t;
	struct err e;
	size_t i, at = 0;

	if (acpi_tables_read(p, n, &t, &e) < 0)
		return 0;
	for (i = 0; i < t.n_tables; i++) {
		assert(t.table[i].at == at && t.table[i].n <= n - at);
		at += t.table[i].n;
	}
	assert(at == t.used && acpi_blob_size(&t) >= at);
	acpi_loader(&t, script);
	acpi_rsdp(&t, root);
	return 0;
}
