/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-qtest: input is a line of QEMU's, and a directory of its firmware files. */
#include <assert.h>
#include <stdlib.h>

#include "base/err.h"
#include "measure/qtest.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint8_t bytes[64];
	struct fw_cfg_file f;
	struct err e;
	uint32_t count;
	size_t want = n > 6 ? (n - 6) / 2 : 0;

	(void)qtest_reply((const char *)p, n, NULL, 0, &e);
	if (want <= sizeof(bytes))
		(void)qtest_reply((const char *)p, n, bytes, want, &e);
	if (n >= 4 && fw_cfg_count(p, &count, &e) == 0)
		assert(count <= FW_CFG_FILES_MAX);
	if (fw_cfg_find(p, n, "etc/acpi/tables", &f, &e) == 0)
		assert(f.key >= FW_CFG_FIRST_FILE);
	return 0;
}
