/* SPDX-License-Identifier: Apache-2.0 */
#include "pccs/pccs_tls.h"

#include "loop/tls_call.h"

int pccs_tls_get(void *arg, const struct pccs_get *g, int *ret_status, struct buf *body,
		 struct err *e)
{
	const struct tls_call_options o = {
		.method = "GET",
		.url = g->url,
		.trust = TLS_CALL_ANYBODY,
		.timeout_ms = g->timeout_ms,
		.reply_max = g->reply_max,
		.on_header = g->on_header,
		.arg = g->arg,
	};
	struct tls_call_answer a = { .status = 0 };
	int rc = tls_call(&o, &a, e);

	(void)arg;
	if (rc < 0)
		return rc;
	*ret_status = a.status;
	*body = a.body;
	a.body = BUF_MAX(0);
	tls_call_answer_deinit(&a);
	return 0;
}
