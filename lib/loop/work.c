/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/work.h"

#include <assert.h>
#include <stdbool.h>
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

struct alone {
	uv_thread_t thread;
	bool has_thread;
	uv_async_t over;
	void (*run)(void *arg);
	void (*done)(void *arg);
	void *arg;
};

static void alone_closed(uv_handle_t *h)
{
	struct alone *w = h->data;
	void (*done)(void *arg) = w->done;
	void *arg = w->arg;

	free(w);
	done(arg);
}

static void alone_over(uv_async_t *a)
{
	struct alone *w = a->data;

	if (w->has_thread)
		(void)uv_thread_join(&w->thread);
	uv_close((uv_handle_t *)a, alone_closed);
}

static void alone_thread(void *arg)
{
	struct alone *w = arg;

	w->run(w->arg);
	(void)uv_async_send(&w->over);
}

void work_start_alone(uv_loop_t *loop, void (*run)(void *arg), void (*done)(void *arg), void *arg)
{
	struct alone *w = xnew(struct alone);
	int rc;

	w->run = run;
	w->done = done;
	w->arg = arg;
	w->over.data = w;
	rc = uv_async_init(loop, &w->over, alone_over);
	assert(rc == 0); /* it only makes an eventfd when the loop has none */
	w->has_thread = uv_thread_create(&w->thread, alone_thread, w) == 0;
	if (!w->has_thread) /* then the loop waits, which is slow but right */
		alone_thread(w);
}
