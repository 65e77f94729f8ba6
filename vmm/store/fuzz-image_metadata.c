/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a metadata.json.  Property: what was understood, described, is understood again as the same. */
#include "store/image_metadata.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct image_version v;
	struct image_metadata a, b;
	char *text, *again;

	if (image_metadata_parse(p, n, &a, NULL) != 0)
		return 0;
	(void)image_version_parse(a.version, &v);
	text = image_metadata_describe(&a);
	if (strlen(text) <= IMAGE_METADATA_MAX) {
		assert(image_metadata_parse(text, strlen(text), &b, NULL) == 0);
		again = image_metadata_describe(&b);
		assert(str_equal(text, again) && a.is_dev == b.is_dev &&
		       a.shared_ro == b.shared_ro);
		free(again);
		image_metadata_deinit(&b);
	}
	free(text);
	image_metadata_deinit(&a);
	return 0;
}
