/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/heartbeat.h"

#include "base/buf.h"

static const char heartbeat_line[] = "[vmm heartbeat]\n";

enum { LINE_LEN = sizeof(heartbeat_line) - 1 };

static int add_byte(struct heartbeat *h, char b, struct buf *ret)
{
	int rc;

	if (!h->in_line && b == heartbeat_line[h->n_held]) {
		if (++h->n_held == LINE_LEN)
			h->n_held = 0;
		return 0;
	}
	rc = buf_add(ret, heartbeat_line, h->n_held);
	h->n_held = 0;
	h->in_line = b != '\n';
	return rc == 0 ? buf_add(ret, &b, 1) : rc;
}

int heartbeat_filter(struct heartbeat *h, const void *p, size_t n, struct buf *ret)
{
	const char *c = p;
	size_t i;
	int rc = 0;

	for (i = 0; i < n && rc == 0; i++)
		rc = add_byte(h, c[i], ret);
	return rc;
}

int heartbeat_end(struct heartbeat *h, struct buf *ret)
{
	size_t n = h->n_held;

	h->n_held = 0;
	return buf_add(ret, heartbeat_line, n);
}
