/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/counts.h"

#include "base/str.h"

const int counts_statuses[COUNTS_STATUSES] = { 200, 400, 403, 405, 500, 0 };

/* The last row takes what finds no row of its own. */
static struct count_call *call_row(struct counts *c, const char *method)
{
	size_t i;

	for (i = 0; i < c->n_calls; i++) {
		if (str_equal(c->calls[i].method, method))
			return &c->calls[i];
	}
	if (c->n_calls < COUNTS_MAX) {
		c->calls[c->n_calls].method = c->n_calls < COUNTS_MAX - 1 ? method : "other";
		c->n_calls++;
	}
	return &c->calls[c->n_calls - 1];
}

void counts_call(struct counts *c, const char *method, int status, uint64_t us)
{
	struct count_call *row = call_row(c, method);
	size_t i = 0;

	while (i < COUNTS_STATUSES - 1 && counts_statuses[i] != status)
		i++;
	row->by_status[i]++;
	row->us += us;
}

void counts_op(struct counts *c, const char *name, int rc, uint64_t ms)
{
	struct count_op *row;
	size_t i = 0;

	while (i < c->n_ops && !str_equal(c->ops[i].name, name))
		i++;
	if (i == COUNTS_MAX)
		i--;
	row = &c->ops[i];
	if (i == c->n_ops) {
		row->name = i < COUNTS_MAX - 1 ? name : "other";
		c->n_ops++;
	}
	row->n++;
	row->n_failed += rc < 0;
	row->ms += ms;
	if (ms > row->longest_ms)
		row->longest_ms = ms;
}

void counts_event(struct counts *c, const char *name)
{
	size_t i = 0;

	if (!c)
		return;
	if (!str_starts(name, "vmm.")) {
		c->n_notices++;
		return;
	}
	while (i < c->n_events && !str_equal(c->events[i].name, name))
		i++;
	if (i == COUNTS_MAX)
		i--;
	if (i == c->n_events) {
		if (i == COUNTS_MAX - 1 ||
		    str_copy(c->events[i].name, sizeof(c->events[i].name), name) < 0)
			(void)str_copy(c->events[i].name, sizeof(c->events[i].name), "other");
		c->n_events++;
	}
	c->events[i].n++;
}
