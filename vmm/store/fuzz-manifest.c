/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-manifest: any bytes as vm-manifest.json.  What is accepted is written back, read again, and is the same. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "data/json.h"
#include "store/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct manifest one = MANIFEST_NULL, two = MANIFEST_NULL;
	json_t *j = NULL, *first, *second;

	if (json_parse(data, n, MANIFEST_MAX, "fuzz", &j, NULL))
		return 0;
	if (!manifest_from_json(j, &one, NULL)) {
		assert(vm_id_is_valid(one.id));
		first = manifest_to_json(&one);
		assert(!manifest_from_json(first, &two, NULL));
		second = manifest_to_json(&two);
		assert(json_equal(first, second));
		json_decref(first);
		json_decref(second);
	}
	manifest_deinit(&one);
	manifest_deinit(&two);
	json_decref(j);
	return 0;
}
