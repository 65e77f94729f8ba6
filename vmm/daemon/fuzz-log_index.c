/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-log_index: a slot of any bytes; the sum at its end is made right if the first byte is odd, so that the
 * numbers are reached.  What is accepted is sound, and is the same when it is written and read again.
 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "daemon/log_index.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void put_sum(char slot[static LOG_INDEX_SLOT])
{
	uint64_t h = 0xcbf29ce484222325u;
	char text[17];
	size_t i;

	for (i = 0; i < LOG_INDEX_SLOT - 17; i++)
		h = (h ^ (uint8_t)slot[i]) * 0x100000001b3u;
	(void)snprintf(text, sizeof(text), "%016llx", (unsigned long long)h);
	memcpy(slot + LOG_INDEX_SLOT - 17, text, 16);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char slot[LOG_INDEX_SLOT], again[LOG_INDEX_SLOT];
	struct log_index x, y;
	size_t i;

	if (n < 1)
		return 0;
	memset(slot, ' ', sizeof(slot));
	memcpy(slot, data + 1, n - 1 < sizeof(slot) ? n - 1 : sizeof(slot));
	if (data[0] & 1)
		put_sum(slot);
	if (log_index_parse(slot, sizeof(slot), &x))
		return 0;
	assert(x.seq > 0 && x.base <= x.cut && x.n <= LOG_KEPT_MAX);
	for (i = 0; i < x.n; i++)
		assert(x.kept[i].from <= x.kept[i].to && x.kept[i].to <= x.cut);
	assert(log_index_oldest(&x) <= x.cut);
	log_index_format(&x, again);
	assert(log_index_parse(again, sizeof(again), &y) == 0 && y.seq == x.seq && y.n == x.n &&
	       y.base == x.base && y.cut == x.cut && y.boot == x.boot);
	return 0;
}
