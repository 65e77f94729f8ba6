/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "daemon/api_metrics.h"
#include "daemon/counts.h"

static struct counts c;

static void test_each_name_has_its_row(void)
{
	counts_call(&c, "Status", 200, 10);
	counts_call(&c, "Status", 200, 5);
	counts_call(&c, "Status", 418, 1);
	counts_call(&c, "StopVm", 403, 1);
	assert(c.n_calls == 2 && c.calls[0].by_status[0] == 2 && c.calls[0].us == 16);
	assert(c.calls[0].by_status[COUNTS_STATUSES - 1] == 1 && c.calls[1].by_status[2] == 1);
	counts_op(&c, "start", 0, 7);
	counts_op(&c, "start", -5, 9);
	assert(c.n_ops == 1 && c.ops[0].n == 2 && c.ops[0].n_failed == 1);
	assert(c.ops[0].ms == 16 && c.ops[0].longest_ms == 9);
	counts_event(&c, "boot.progress");
	counts_event(&c, "vmm.started");
	counts_event(&c, "vmm.started");
	assert(c.n_notices == 1 && c.n_events == 1 && c.events[0].n == 2);
}

static void test_rows_are_bounded(void)
{
	static char names[COUNTS_MAX + 10][16];
	unsigned int i;

	memset(&c, 0, sizeof(c));
	for (i = 0; i < COUNTS_MAX + 10; i++) {
		(void)snprintf(names[i], sizeof(names[i]), "vmm.%u", i);
		counts_call(&c, names[i], 200, 1);
		counts_op(&c, names[i], 0, 1);
		counts_event(&c, names[i]);
	}
	assert(c.n_calls == COUNTS_MAX && c.n_ops == COUNTS_MAX && c.n_events == COUNTS_MAX);
	assert(strcmp(c.calls[COUNTS_MAX - 1].method, "other") == 0);
	assert(c.calls[COUNTS_MAX - 1].by_status[0] == 11);
	assert(strcmp(c.ops[COUNTS_MAX - 1].name, "other") == 0 && c.ops[COUNTS_MAX - 1].n == 11);
	assert(strcmp(c.events[COUNTS_MAX - 1].name, "other") == 0);
	assert(c.events[COUNTS_MAX - 1].n == 11);
}

static void test_labels_are_escaped(void)
{
	auto_buf struct buf b = BUF_MAX(4096);

	api_metrics_label(&b, "a\"b\\c\nd");
	assert(strcmp((const char *)b.p, "a\\\"b\\\\c\\nd") == 0);
	b.n = 0;
	api_metrics_label(&b, "\xff");
	assert(strcmp((const char *)b.p, "\\\\xff") == 0);
}

int main(void)
{
	test_each_name_has_its_row();
	test_rows_are_bounded();
	test_labels_are_escaped();
	return 0;
}
