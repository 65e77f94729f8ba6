/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/emitting.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "guest-stub/about.h"
#include "guest-stub/guest_tee.h"
#include "loop/work.h"
#include "tee/event_log.h"
#include "tee/runtime_log.h"

struct emitting_job {
	struct emitting *q;
	struct emitting_job *next;
	char *name;
	void *payload;
	size_t n;
	emitting_done_fn done;
	void *arg;
	int r;
	struct err e;
	struct event_log events; /* after it */
	struct tee_td td;	 /* with has_td */
	bool has_td;
};

/* Names of the guest's own, of this version and older ones. */
static const char *const own[] = {
	"system-preparing", "app-id",	    "compose-hash", "init-script-hash", "gpu-policy-hash",
	"gpu-attestation",  "instance-id",  "boot-mr-done", "os-image-hash",	"key-provider",
	"storage-fs",	    "system-ready", "rootfs-hash",  "mr-kms",
};

static int has_room(const struct event_log *log, const struct emitting_job *j, struct err *e)
{
	size_t total = strlen(j->name) + j->n, i;

	for (i = 0; i < log->n; i++)
		total += strlen(log->events[i].name) + log->events[i].n_payload;
	if (log->n >= EMITTING_EVENTS_MAX)
		return err_set(e, ERR_LIMIT, "%d events are measured already, which is the most",
			       EMITTING_EVENTS_MAX);
	if (total > EMITTING_LOG_MAX) {
		return err_set(e, ERR_LIMIT,
			       "with this event the log would have %zu bytes, over %d", total,
			       EMITTING_LOG_MAX);
	}
	return 0;
}

/* Log and registers as they are now, which go together while nobody else may add. */
static int read_back(struct emitting_job *j)
{
	const struct tee *t = &j->q->tee->tee;
	int lock = runtime_log_lock(j->q->log, &j->e), r = lock < 0 ? lock : 0;

	event_log_deinit(&j->events);
	if (r == 0)
		r = runtime_log_read(j->q->log, &j->events, &j->e);
	j->has_td = t->kind != TEE_NONE;
	if (r == 0 && j->has_td)
		r = tee_td(t, &j->td, &j->e);
	runtime_log_unlock(lock);
	return r;
}

/* On a worker, the only one that adds. */
static void run(void *arg)
{
	struct emitting_job *j = arg;

	j->r = runtime_log_read(j->q->log, &j->events, &j->e);
	if (j->r == 0)
		j->r = has_room(&j->events, j, &j->e);
	if (j->r == 0)
		j->r = runtime_log_emit(j->q->log, &j->q->tee->tee, j->name, j->payload, j->n,
					&j->e);
	if (j->r == 0)
		j->r = read_back(j);
}

static void begin_next(struct emitting *q);

static void finish(void *arg)
{
	struct emitting_job *j = arg;
	struct emitting *q = j->q;

	q->running = NULL;
	begin_next(q);
	if (j->r == 0)
		about_renew(q->about, q->tee, &j->events, j->has_td ? &j->td : NULL);
	j->done(j->arg, j->r, &j->e);
	event_log_deinit(&j->events);
	free(j->name);
	free(j->payload);
	free(j);
}

static void begin_next(struct emitting *q)
{
	struct emitting_job *j = q->first;

	if (!j || q->running)
		return;
	q->first = j->next;
	q->n_waiting--;
	q->running = j;
	work_start(q->loop, run, finish, j);
}

static int check(const struct emitting *q, const char *name, size_t n, struct err *e)
{
	size_t i;

	if (!*name)
		return err_set(e, ERR_INPUT, "an event needs a name");
	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (str_equal(own[i], name))
			return err_set(e, ERR_INPUT,
				       "event %s is the guest's own: choose another name", name);
	}
	if (strlen(name) > EVENT_NAME_MAX)
		return err_set(e, ERR_LIMIT, "event name of %zu bytes is over %d", strlen(name),
			       EVENT_NAME_MAX);
	if (n > EMITTING_PAYLOAD_MAX)
		return err_set(e, ERR_LIMIT, "payload of %zu bytes is over %d", n,
			       EMITTING_PAYLOAD_MAX);
	if (q->n_waiting >= EMITTING_WAIT_MAX)
		return err_set(e, ERR_LIMIT, "%d events wait already, try again later",
			       EMITTING_WAIT_MAX);
	return 0;
}

int emitting_add(struct emitting *q, const char *name, const void *payload, size_t n,
		 emitting_done_fn done, void *arg, struct err *e)
{
	struct emitting_job *j, **at = &q->first;
	int r = check(q, name, n, e);

	if (r < 0)
		return r;
	j = xnew(struct emitting_job);
	*j = (struct emitting_job){ .q = q, .n = n, .done = done, .arg = arg };
	j->name = xstrdup(name);
	j->payload = xmemdup(payload, n);
	while (*at)
		at = &(*at)->next;
	*at = j;
	q->n_waiting++;
	begin_next(q);
	return 0;
}
