/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-gateway-acme-info: whatever a gateway tells of its keys is read, or refused in words
 *
 * Input    JSON of AcmeInfo, or of the agent's Info.
 */
#undef NDEBUG
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "cli/acme_info.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t key[] = { 0x30, 0x0a, 0xff };
	struct acme_key k = { .quote = NULL };
	struct err e = ERR_NONE;
	int rc = acme_info_find(data, n, key, sizeof(key), &k, &e);

	assert(rc == 0 || ((rc == ERR_INPUT || rc == ERR_NOT_FOUND) && *e.text && !k.quote));
	acme_key_deinit(&k);
	free(acme_info_compose(data, n));
	return 0;
}
