/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-tar: input is an archive.  Each accepted file has a plain name; a pax header is read when its data
 * is there in whole.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "wire/tar.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct tar_more more, *said = NULL;
	struct tar_entry entry;
	struct err e;
	uint64_t data;

	while (n >= TAR_BLOCK && tar_header(p, said, &entry, &e) == 0 && entry.kind != TAR_END) {
		said = NULL;
		p += TAR_BLOCK;
		n -= TAR_BLOCK;
		if (entry.kind == TAR_FILE)
			assert(entry.name[0] && entry.name[0] != '.' && !strchr(entry.name, '/'));
		if (entry.size > n)
			break;
		if (entry.kind == TAR_PAX) {
			if (tar_pax(p, entry.size, &more, &e))
				break;
			said = &more;
		}
		data = (entry.size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
		if (data > n)
			break;
		p += data;
		n -= data;
	}
	return 0;
}
