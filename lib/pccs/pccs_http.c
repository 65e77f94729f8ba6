/* SPDX-License-Identifier: Apache-2.0 */
/* A file of its own, so that a program which brings collateral in another way is not linked with libcurl. */
#include "base/buf.h"
#include "loop/http_client.h"
#include "pccs/pccs.h"

static int get(void *arg, const struct pccs_get *g, int *ret_status, struct buf *body,
	       struct err *e)
{
	struct http_answer answer = { .status = 0 };
	const struct http_call_options o = {
		.method = "GET",
		.url = g->url,
		.fd = -1,
		.ca_file = g->ca_file,
		.reply_max = g->reply_max,
		.timeout_ms = g->timeout_ms,
		.may_proxy = !g->is_loopback,
		.on_header = g->on_header,
		.arg = g->arg,
	};
	int rc = http_call_wait(&o, &answer, e);

	(void)arg;
	if (rc < 0)
		return rc;
	*ret_status = answer.status;
	*body = answer.body;
	return 0;
}

int pccs_fetch(const struct pccs_args *a, const struct pccs_platform *p, struct buf *ret,
	       struct pccs_origin *origin, struct err *e)
{
	return pccs_fetch_by(get, NULL, a, p, ret, origin, e);
}
