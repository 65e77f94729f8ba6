/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/acpi_profile.h"

#include <string.h>

#include "base/err.h"
#include "wire/acpi.h"

int acpi_profile(const struct buf *from, const char *is, const char *wanted,
		 const struct acpi_machine *machine, struct buf *ret, struct err *e)
{
	struct acpi_tables t;
	size_t size, begin = ret->n;
	int rc;

	(void)machine;
	rc = acpi_tables_read(from->p, from->n, &t, e);
	if (rc < 0)
		return rc;
	if (strcmp(is, wanted) != 0)
		return err_set(
			e, ERR_MISSING,
			"this QEMU is %s; its ACPI tables are not yet turned into those of %s", is,
			wanted);
	size = acpi_blob_size(&t);
	if (buf_reserve(ret, size) < 0)
		return err_set(e, ERR_LIMIT, "ACPI tables of %zu bytes", size);
	memset(ret->p + begin, 0, size);
	memcpy(ret->p + begin, from->p, t.used);
	ret->n += size;
	return 0;
}
