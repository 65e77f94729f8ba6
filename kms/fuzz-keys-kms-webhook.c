/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-keys-kms-webhook: any bytes as a webhook's answers: a yes has its "true" in it, and texts fit a log line */
#include <stdlib.h>
#include <string.h>

#include "kms/webhook.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct webhook_info i;
	struct grant g;
	const char *s;

	(void)webhook_read_info(p, n, &i, NULL);
	if (webhook_read(p, n, &g, NULL) < 0)
		return 0;
	if (g.is_allowed && !memmem(p, n, "true", 4))
		abort();
	for (s = g.reason; *s; s++) {
		if ((unsigned char)*s < ' ')
			abort();
	}
	return 0;
}
