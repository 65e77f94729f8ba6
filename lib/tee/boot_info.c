/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/boot_info.h"

#include <stdlib.h>

void boot_info_deinit(struct boot_info *b)
{
	free(b->key_provider_info);
	*b = BOOT_INFO_NULL;
}
