/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/boot.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/exit.h"
#include "cli/vm.h"
#include "cli/watch.h"
#include "data/json.h"

enum {
	BASE_S = 300,
	PER_CPU_S = 30,
	PER_GIB_S = 30,
	/* events that were stamped a moment before we asked for the start still belong to it */
	CLOCK_SLACK_MS = 50,
};

uint64_t boot_timeout_ms(uint64_t cpus, uint64_t memory_mib)
{
	return (BASE_S + PER_CPU_S * cpus + PER_GIB_S * (memory_mib / 1024)) * 1000;
}

struct follow {
	struct cli *cli;
	const char *name;
	uint64_t begun_ms, timeout_ms;
	struct vm_event_cursor at;
	char last[64]; /* the last step */
	unsigned int n_turns;
	bool is_up, has_line;
};

static void erase_line(struct follow *f)
{
	if (f->has_line)
		(void)fputs("\r\033[K", stdout);
	f->has_line = false;
}

static void draw_line(struct follow *f)
{
	static const char turns[] = "|/-\\";
	uint64_t now = time_unix_ms();

	if (!f->cli->out.is_tty || f->cli->is_quiet || f->cli->wants_json)
		return;
	erase_line(f);
	(void)printf("%s %6.1f s  %c %s", f->name,
		     (double)(now > f->begun_ms ? now - f->begun_ms : 0) / 1000,
		     turns[f->n_turns++ % 4], f->last);
	(void)fflush(stdout);
	f->has_line = true;
}

static int on_event(const char *event, const char *body, json_int_t timestamp, void *arg)
{
	struct follow *f = arg;
	char shown[200];
	uint64_t at = (uint64_t)(timestamp > 0 ? timestamp : 0);

	if (f->begun_ms == 0)
		f->begun_ms = at;
	if (str_equal(event, "vmm.started")) { /* the first word of the guest is seconds away */
		event = "boot.progress";
		body = "booting";
	}
	if (str_equal(event, "instance.info") || str_starts(event, "vmm."))
		return 0; /* the guest's ids and the daemon's own notes are no steps */
	if (str_equal(event, "boot.error") && !*body)
		return 0; /* it takes the last one back, which a notice has said in words */
	if (str_equal(event, "boot.error") && vm_no_route(body)) { /* it goes on */
		event = "no ingress route yet";
		body = vm_no_route(body);
	}
	(void)str_escape(shown, sizeof(shown), body, strlen(body));
	if (str_equal(event, "boot.progress"))
		(void)str_escape(f->last, sizeof(f->last), body, strlen(body));
	erase_line(f);
	cli_say(f->cli, "%s %6.1f s  %s%s%s\n", f->name,
		(double)(at > f->begun_ms ? at - f->begun_ms : 0) / 1000,
		str_equal(event, "boot.progress") ? "" : event,
		str_equal(event, "boot.progress") ? "" : ": ", shown);
	return 0;
}

static int failed(const struct follow *f, const char *how, const char *detail, struct err *e)
{
	char shown[300];

	return err_set(e, ERR_BOOT, "%s %s: %s; its console: bailey logs %s", f->name, how,
		       str_escape(shown, sizeof(shown), detail, strlen(detail)), f->name);
}

static int look(const json_t *vm, void *arg, struct err *e)
{
	const char *progress = vm_str(vm, "boot_progress"), *error = vm_str(vm, "boot_error");
	struct follow *f = arg;

	(void)vm_events_after(vm, &f->at, on_event, f);
	if (str_equal(progress, "done") && vm_is(vm, "running"))
		return 1;
	if (*error && !vm_no_route(error))
		return failed(f, "did not come up", error, e);
	if (vm_is_down(vm))
		return failed(f, "ended before it was up",
			      *f->last ? f->last : "before its first word", e);
	/* an image that cannot report, or one whose agent answers, but whose last words nobody heard */
	if ((str_equal(progress, "N/A") || str_equal(progress, "running")) && vm_is(vm, "running"))
		return 1;
	draw_line(f);
	return 0;
}

/* When the daemon last noted a start; 0: it is not among the events that are kept. */
static uint64_t last_start(const json_t *vm)
{
	const json_t *events = json_object_get(vm, "events"), *ev;
	uint64_t at = 0;
	size_t i;

	json_array_foreach(events, i, ev) {
		if (str_equal(vm_str(ev, "event"), "vmm.started"))
			at = json_get_u64(ev, "timestamp", 0);
	}
	return at;
}

static int too_late(const struct follow *f, struct err *e)
{
	return err_set(e, ERR_BOOT,
		       "%s is not up after %llu s, last step: %s; it goes on: look with bailey "
		       "logs %s, end "
		       "it with bailey kill %s, or wait longer with --timeout",
		       f->name, (unsigned long long)(f->timeout_ms / 1000),
		       *f->last ? f->last : "none", f->name, f->name);
}

int boot_follow(struct cli *c, const json_t *vm, uint64_t begun_ms, struct err *e)
{
	const json_t *configuration = vm_configuration(vm);
	struct follow f = { .cli = c, .name = vm_name(vm), .begun_ms = begun_ms };
	int rc;

	if (begun_ms == 0)
		f.begun_ms = last_start(vm);
	if (f.begun_ms > CLOCK_SLACK_MS)
		f.at.last = (json_int_t)(f.begun_ms - CLOCK_SLACK_MS);
	rc = cli_timeout(c,
			 boot_timeout_ms(json_get_u64(configuration, "vcpu", 1),
					 json_get_u64(configuration, "memory", 0)),
			 &f.timeout_ms, e);
	if (rc == 0)
		rc = watch(&c->api, vm_id(vm), f.timeout_ms, look, &f, e);
	erase_line(&f);
	return rc == -ETIMEDOUT ? too_late(&f, e) : rc;
}

void boot_announce(const struct cli *c, const json_t *vm)
{
	const char *no_route = vm_no_route(vm_str(vm, "boot_error"));
	auto_buf struct buf where = BUF_MAX(64 * 1024);
	char shown[300];

	if (c->wants_json)
		return;
	if (vm_addresses(vm, ", ", &where) < 0)
		return;
	(void)printf("%s is up%s%s%s\n", vm_name(vm), where.n ? ": " : "",
		     where.n ? (const char *)where.p : "", vm_tee_warning(vm));
	if (no_route) {
		(void)printf("%s: no ingress route yet: %s; it goes on trying\n", vm_name(vm),
			     str_escape(shown, sizeof(shown), no_route, strlen(no_route)));
	}
	if (vm_lacks_gateway(vm)) {
		(void)printf(
			"%s: it was started before its gateway was there; to register it: bailey "
			"restart %s\n",
			vm_name(vm), vm_name(vm));
	}
	(void)fflush(stdout);
}
