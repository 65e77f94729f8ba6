/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/quoting.h"

#include <string.h>

#include "base/mem.h"
#include "base/time.h"
#include "loop/work.h"
#include "tee/runtime_log.h"

struct quoting_job {
	struct quoting *q;
	struct quoting_job *next;
	bool is_public;
	quoting_done_fn done;
	void *arg;
	struct quoting_result result;
};

void quoting_init(struct quoting *q, uv_loop_t *loop, const struct tee *tee, int log)
{
	*q = (struct quoting){ .loop = loop, .tee = tee, .log = log };
	rate_init(&q->strangers, QUOTING_PUBLIC_RATE, QUOTING_PUBLIC_BURST, time_mono_ms());
}

/* On a worker: the log cannot grow between the quote and its reading. */
static void run(void *arg)
{
	struct quoting_job *j = arg;
	struct quoting_result *to = &j->result;
	int lock = runtime_log_lock(j->q->log, &to->e);

	to->r = lock < 0 ? lock : 0;
	if (to->r == 0)
		to->r = tee_quote(j->q->tee, to->report_data, &to->quote, &to->e);
	if (to->r == 0)
		to->r = runtime_log_read(j->q->log, &to->runtime, &to->e);
	runtime_log_unlock(lock);
}

static void begin_next(struct quoting *q);

static void finish(void *arg)
{
	struct quoting_job *j = arg;
	struct quoting *q = j->q;

	q->running = NULL;
	begin_next(q);
	j->done(j->arg, &j->result);
	buf_deinit(&j->result.quote);
	event_log_deinit(&j->result.runtime);
	free(j);
}

static size_t *waiting_of(struct quoting *q, const struct quoting_job *j)
{
	return j->is_public ? &q->n_public : &q->n_app;
}

static void begin_next(struct quoting *q)
{
	struct quoting_job *j = q->first;

	if (!j || q->running)
		return;
	q->first = j->next;
	--*waiting_of(q, j);
	q->running = j;
	work_start(q->loop, run, finish, j);
}

/* Behind all of its kind, the app's before the strangers'. */
static void enqueue(struct quoting *q, struct quoting_job *j)
{
	struct quoting_job **at = &q->first;

	while (*at && (j->is_public || !(*at)->is_public))
		at = &(*at)->next;
	j->next = *at;
	*at = j;
	++*waiting_of(q, j);
}

static int check(struct quoting *q, bool is_public, struct err *e)
{
	if (q->tee->kind == TEE_NONE)
		return tee_quote(q->tee, NULL, NULL, e); /* says why there is none */
	if (!is_public && q->n_app >= QUOTING_APP_MAX)
		return err_set(e, ERR_LIMIT, "%d quotes are asked for already, try again later",
			       QUOTING_APP_MAX);
	if (is_public &&
	    (q->n_public >= QUOTING_PUBLIC_MAX || !rate_take(&q->strangers, time_mono_ms()))) {
		return err_set(e, ERR_LIMIT,
			       "evidence is asked for more often than %d times a second, try again "
			       "later",
			       QUOTING_PUBLIC_RATE);
	}
	return 0;
}

int quoting_take(struct quoting *q, const uint8_t report_data[static TEE_REPORT_DATA_SIZE],
		 bool is_public, quoting_done_fn done, void *arg, struct err *e)
{
	struct quoting_job *j;
	int r = check(q, is_public, e);

	if (r < 0)
		return r;
	j = xnew(struct quoting_job);
	*j = (struct quoting_job){ .q = q, .is_public = is_public, .done = done, .arg = arg };
	j->result.quote = BUF_MAX(TEE_QUOTE_MAX);
	memcpy(j->result.report_data, report_data, TEE_REPORT_DATA_SIZE);
	enqueue(q, j);
	begin_next(q);
	return 0;
}
