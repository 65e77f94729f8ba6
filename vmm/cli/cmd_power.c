/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_power: start, stop, kill, restart, rm */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/boot.h"
#include "cli/cli.h"
#include "cli/exit.h"
#include "cli/power.h"
#include "cli/seal_note.h"
#include "cli/vm.h"
#include "cli/watch.h"

enum {
	STOP_MS = 60 * 60 * 1000, /* the daemon has deadlines of its own: stop in baileyd.yaml */
	KILL_MS = 60 * 1000,
	QUIET_MS = 1000, /* what is done in less needs no progress */
	/* events that were stamped a moment before we asked belong to it */
	CLOCK_SLACK_MS = 50,
};

static void tell(const struct cli *c, const json_t *vm, const char *what)
{
	json_t *j;

	if (!c->wants_json) {
		cli_say(c, "%s %s\n", vm_name(vm), what);
		return;
	}
	j = json_pack("{s:s, s:s, s:s}", "id", vm_id(vm), "name", vm_name(vm), "result", what);
	cli_json(j);
	json_decref(j);
}

static bool may_wait(const struct cli *c)
{
	return !args_has(c->args, OPT_NO_WAIT);
}

static int is_down(const json_t *vm, void *arg, struct err *e)
{
	(void)arg;
	(void)e;
	return vm_is_down(vm);
}

static int is_gone(const json_t *vm, void *arg, struct err *e)
{
	(void)vm;
	(void)arg;
	(void)e;
	return 0;
}

/* Wait until nothing of the VM runs; @remedy goes into the message when that takes too long. */
static int wait_down(struct cli *c, const json_t *vm, uint64_t otherwise_ms, const char *remedy,
		     struct err *e)
{
	uint64_t timeout;
	int rc = cli_timeout(c, otherwise_ms, &timeout, e);

	if (rc < 0)
		return rc;
	rc = watch(&c->api, vm_id(vm), timeout, is_down, NULL, e);
	if (rc == -ETIMEDOUT)
		return err_set(e, rc, "%s has not ended after %llu s; %s", vm_name(vm),
			       (unsigned long long)(timeout / 1000), remedy);
	return rc;
}

/* Of several VMs, say which one it was. */
static int ask(struct cli *c, const char *method, const json_t *vm, struct err *e)
{
	int rc = api_call_id(&c->api, method, vm_id(vm), e);

	return rc == ERR_REFUSED ? err_wrap(e, rc, "%s", vm_name(vm)) : rc;
}

static int start_one(struct cli *c, const json_t *vm, struct err *e)
{
	uint64_t begun = time_unix_ms();
	json_t *now = NULL;
	int rc;

	if (vm_is(vm, "running")) {
		tell(c, vm, "is running already");
		return 0;
	}
	rc = args_has(c->args, OPT_ACCEPT_DRIFT) ? ask(c, "AcceptDrift", vm, e) : 0;
	if (rc == 0)
		rc = ask(c, "StartVm", vm, e);
	if (rc < 0)
		return rc;
	if (!may_wait(c)) {
		tell(c, vm, "is starting");
		return 0;
	}
	rc = boot_follow(c, vm, begun, e);
	if (rc == 0)
		rc = api_vm(&c->api, vm_id(vm), 0, &now, e);
	if (rc == 0 && c->wants_json)
		tell(c, vm, "is up");
	else if (rc == 0)
		boot_announce(c, now);
	json_decref(now);
	return rc;
}

static int kill_one(struct cli *c, const json_t *vm, struct err *e)
{
	int rc;

	/* "exited" is down too, but the daemon may be about to start it again: this ends that */
	if (vm_is(vm, "stopped")) {
		tell(c, vm, "is stopped already");
		return 0;
	}
	rc = ask(c, "StopVm", vm, e);
	if (rc == 0 && may_wait(c))
		rc = wait_down(c, vm, KILL_MS, "see the log of baileyd", e);
	if (rc == 0)
		tell(c, vm, may_wait(c) ? "is stopped" : "is being killed");
	return rc;
}

/* What the daemon says of a stop that takes longer than a moment. */
struct progress {
	const struct cli *cli;
	const char *name;
	uint64_t begun_ms;
	struct vm_event_cursor at;
};

static int show_step(const char *event, const char *body, json_int_t timestamp, void *arg)
{
	const struct progress *p = arg;
	uint64_t at = (uint64_t)(timestamp > 0 ? timestamp : 0);
	char shown[300];

	if (str_equal(event, "vmm.stopping") || str_equal(event, "vmm.stop_late"))
		cli_say(p->cli, "%s %6.1f s  %s\n", p->name,
			(double)(at > p->begun_ms ? at - p->begun_ms : 0) / 1000,
			str_escape(shown, sizeof(shown), body, strlen(body)));
	return 0;
}

static int look_down(const json_t *vm, void *arg, struct err *e)
{
	struct progress *p = arg;

	(void)e;
	if (vm_is_down(vm))
		return 1;
	if (time_unix_ms() > p->begun_ms + QUIET_MS)
		(void)vm_events_after(vm, &p->at, show_step, p);
	return 0;
}

/* The daemon goes from asking to killing by itself: this only looks on. */
static int halt(struct cli *c, const json_t *vm, bool waits, struct err *e)
{
	struct progress p = { .cli = c, .name = vm_name(vm), .begun_ms = time_unix_ms() };
	uint64_t timeout;
	int rc = cli_timeout(c, STOP_MS, &timeout, e);

	p.at.last = (json_int_t)p.begun_ms - CLOCK_SLACK_MS;
	if (rc == 0)
		rc = ask(c, "HaltVm", vm, e);
	if (rc < 0 || !waits)
		return rc;
	rc = watch(&c->api, vm_id(vm), timeout, look_down, &p, e);
	if (rc == -ETIMEDOUT)
		return err_set(e, rc,
			       "%s has not ended after %llu s; baileyd goes on; end it without "
			       "asking it: bailey kill %s",
			       p.name, (unsigned long long)(timeout / 1000), p.name);
	return rc;
}

static int stop_one(struct cli *c, const json_t *vm, struct err *e)
{
	int rc;

	if (vm_is(vm, "stopped")) {
		tell(c, vm, "is stopped already");
		return 0;
	}
	rc = halt(c, vm, may_wait(c), e);
	if (rc == 0)
		tell(c, vm, may_wait(c) ? "is stopped" : "is being stopped");
	return rc;
}

int power_down(struct cli *c, const json_t *vm, bool by_force, struct err *e)
{
	int rc = 0;

	if (by_force && !vm_is_down(vm)) {
		rc = ask(c, "StopVm", vm, e);
		if (rc == 0)
			rc = wait_down(c, vm, KILL_MS, "see the log of baileyd", e);
	} else if (!vm_is_down(vm)) {
		rc = halt(c, vm, true, e);
	}
	return rc;
}

static int restart_one(struct cli *c, const json_t *vm, struct err *e)
{
	json_t *now = NULL;
	int rc = power_down(c, vm, args_has(c->args, OPT_FORCE), e);

	if (rc == 0)
		rc = api_vm(&c->api, vm_id(vm), 0, &now, e);
	if (rc == 0)
		rc = start_one(c, now, e);
	json_decref(now);
	return rc;
}

/* Is it meant?  A disk does not come back. */
static int consent(const struct cli *c, const json_t *vm, struct err *e)
{
	char answer[16] = "";

	if (args_has(c->args, OPT_FORCE))
		return 1;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		return err_set(e, ERR_INPUT,
			       "nobody to ask whether %s and its disk may go; write bailey rm "
			       "--force %s",
			       vm_name(vm), vm_name(vm));
	}
	(void)fprintf(stderr, "remove %s (%.*s, %s) and its disk? [y/N] ", vm_name(vm), VM_SHORT_ID,
		      vm_id(vm), vm_str(vm, "status"));
	if (!fgets(answer, sizeof(answer), stdin))
		return 0;
	return answer[0] == 'y' || answer[0] == 'Y';
}

static int rm_one(struct cli *c, const json_t *vm, struct err *e)
{
	uint64_t timeout;
	int rc = cli_timeout(c, KILL_MS, &timeout, e);

	if (rc == 0)
		rc = consent(c, vm, e);
	if (rc == 0)
		tell(c, vm, "is kept");
	if (rc <= 0)
		return rc;
	rc = ask(c, "RemoveVm", vm, e);
	if (rc == 0 && may_wait(c))
		rc = watch(&c->api, vm_id(vm), timeout, is_gone, NULL, e);
	if (rc == -ETIMEDOUT)
		return err_set(e, rc, "%s is not gone after %llu s; baileyd goes on removing it",
			       vm_name(vm), (unsigned long long)(timeout / 1000));
	if (rc == 0 || rc == ERR_NOT_FOUND) {
		seal_note_drop(vm_id(vm));
		tell(c, vm, may_wait(c) ? "is removed" : "is being removed");
		rc = 0;
	}
	return rc;
}

int cmd_start(struct cli *c, struct err *e)
{
	return cli_each_vm(c, start_one, e);
}

int cmd_stop(struct cli *c, struct err *e)
{
	return cli_each_vm(c, stop_one, e);
}

int cmd_kill(struct cli *c, struct err *e)
{
	return cli_each_vm(c, kill_one, e);
}

int cmd_restart(struct cli *c, struct err *e)
{
	return cli_each_vm(c, restart_one, e);
}

int cmd_rm(struct cli *c, struct err *e)
{
	return cli_each_vm(c, rm_one, e);
}
