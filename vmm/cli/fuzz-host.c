/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-host: the text after --host
 *
 * Input: the text.  Property: what is taken may stand in an argument list and in a URL.
 */
#include "cli/host.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct err e = ERR_NONE;
	struct host h;
	char text[512];

	if (n >= sizeof(text))
		return 0;
	memcpy(text, data, n);
	text[n] = 0;
	if (host_parse(text, &h, &e) != 0) {
		assert(e.code == ERR_INPUT && *e.text);
		return 0;
	}
	assert(h.name[0] != '-' && h.user[0] != '-' && h.path[0] != '-');
	assert((h.kind == HOST_UNIX) == !h.name[0]);
	assert(!strpbrk(h.name, " /@%?#$") && !strpbrk(h.user, " /@%:$"));
	if (h.kind == HOST_SSH)
		assert(h.path[0] == '/' && !strpbrk(h.path, " :%$[]"));
	return 0;
}
