/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-fat-label: input is the start of a disk; a label is 1 to 11 bytes and does not end in a blank */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "guest-stub/fat_label.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	char label[FAT_LABEL_SIZE];
	size_t len;

	if (!fat_label_of(p, n, label))
		return 0;
	len = strnlen(label, sizeof(label));
	assert(len > 0 && len < sizeof(label) && label[len - 1] != ' ');
	return 0;
}
