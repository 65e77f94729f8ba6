/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-pccs-header: whatever lines an answer's head has, at most one value of theirs is kept, as it stood
 *
 * Input    the lines, each copied to a place of its own length.
 */
#undef NDEBUG
#include "pccs/pccs_header.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static struct pccs_header h; /* large */
	const uint8_t *end = data + n, *stop;
	char *line;
	int rc = 0;

	h = (struct pccs_header){ .name = "TCB-Info-Issuer-Chain" };
	for (; rc == 0 && data < end; data = stop + 1) {
		stop = memchr(data, '\n', (size_t)(end - data));
		if (!stop)
			stop = end;
		line = malloc((size_t)(stop - data) + (stop == data));
		assert(line);
		memcpy(line, data, (size_t)(stop - data));
		rc = pccs_header_line(&h, line, (size_t)(stop - data));
		free(line);
		if (stop == end)
			break;
	}
	assert((rc < 0) == h.is_bad && strlen(h.value) <= n);
	return 0;
}
