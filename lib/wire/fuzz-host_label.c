/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-host_label: input is a label, and a TXT record.  What is found is in range and of the characters of an id. */
#include <assert.h>
#include <string.h>

#include "wire/host_label.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void check(const struct host_label *l)
{
	size_t n = strlen(l->id);

	assert(n > 0 && n <= HOST_LABEL_ID_MAX && l->port > 0);
	assert(strspn(l->id, "abcdefghijklmnopqrstuvwxyz0123456789_") == n);
	assert(!(l->is_h2 && l->is_passthrough));
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct host_label l;

	if (host_label_parse((const char *)p, n, &l) == HOST_LABEL_OK)
		check(&l);
	if (host_label_parse_txt(p, n, &l) == HOST_LABEL_OK)
		check(&l);
	return 0;
}
