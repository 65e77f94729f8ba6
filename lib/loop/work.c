/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/work.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"

struct work {
	uv_work_t req;
	void (*run)(void *arg);
	void (*done)(void *arg);
	void *arg;
};

static void run_it(uv_work_t *req)
{
	struct work *w = req->data;

	w->run(w->arg);
}

static void finish(uv_work_t *req, int status)
{
	struct work *w = req->data;
	void (*done)(void *arg) = w->done;
	void *arg = w->arg;

	(void)status; /* cancelled or not, the owner of @arg must hear of the end */
	free(w);
	done(arg);
}

void work_start(uv_loop_t *loop, void (*run)(void *arg), void (*done)(void *arg), void *arg)
{
	struct work *w = xnew(struct work);
	int rc;

	w->req.data = w;
	w->run = run;
	w->done = done;
	w->arg = arg;
	rc = uv_queue_work(loop, &w->req, run_it, finish);
	assert(rc == 0); /* it only fails without a callback */
	(void)rc;
}
