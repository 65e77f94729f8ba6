/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-keys-kms-config: any bytes as bailey-kms.yaml: read or refused with the file's name */
#include <stdlib.h>

#include "base/err.h"
#include "base/str.h"
#include "kms/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct kms_config *c = NULL;
	struct err e = ERR_NONE;

	if (kms_config_parse((const char *)p, n, "fuzz", &c, &e) == 0)
		kms_config_free(c);
	else if (!*e.text)
		abort();
	return 0;
}
