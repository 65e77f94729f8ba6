/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-keys-kms-allow: any bytes as an allow-list: read or refused; one that is read decides */
#include <stdlib.h>
#include <string.h>

#include "kms/allow.h"
#include "kms/grant.h"
#include "tee/boot_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct boot_info b = { .tcb_status = TCB_UP_TO_DATE };
	struct allow a;
	struct grant g;

	if (allow_parse((const char *)p, n, "fuzz", &a, NULL) < 0)
		return 0;
	memset(b.app_id, 0x11, sizeof(b.app_id));
	allow_app(&a, &b, &g);
	if (!*g.reason)
		abort();
	allow_kms(&a, &b, &g);
	if (!*g.reason)
		abort();
	allow_deinit(&a);
	return 0;
}
