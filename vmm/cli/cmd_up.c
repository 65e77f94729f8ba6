/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_up: make it so that the VM of each YAML file runs
 *
 * Every file is read and checked before the first change.  Then, for each in turn: a VM that is not there is
 * created; of one that is there it is said what changes, which is then done in one call.  What runs with
 * older content is started anew.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "app/app_yaml.h"
#include "app/changes.h"
#include "app/create.h"
#include "cli/boot.h"
#include "cli/change.h"
#include "cli/cli.h"
#include "cli/env_file.h"
#include "cli/exit.h"
#include "cli/power.h"
#include "cli/seal_app.h"
#include "cli/vm.h"
#include "data/json.h"
#include "store/manifest.h"

/* How long another `up` of the same app may take to make the VM that we then find. */
enum { IMAGE_SIZE = 129, RACE_MS = 60 * 1000, RACE_PAUSE_MS = 100 };

struct outcome {
	const char *action;	    /* "created", "updated", "restarted", "started", "unchanged" */
	uint64_t begun_ms;	    /* 0: it was on its way already */
	json_t *vm;		    /* with its configuration; NULL: a dry run found none */
	const struct env_file *env; /* to be sealed; NULL: nothing; borrowed */
	struct changes changes;
};

static bool is_wanted_down(const struct cli *c)
{
	return args_has(c->args, OPT_NO_START);
}

static bool is_dry(const struct cli *c)
{
	return args_has(c->args, OPT_DRY_RUN);
}

static bool has_image(const json_t *images, const char *name)
{
	const json_t *image;
	size_t i;

	json_array_foreach(images, i, image) {
		if (str_equal(vm_str(image, "name"), name))
			return true;
	}
	return false;
}

/* The image that @a names, which must be there, or else the newest one.  Borrowed; NULL if there is none. */
static const char *pick(const json_t *images, const struct app *a, struct err *e)
{
	const char *named = app_str(a, "image"), *newest = create_newest_image(images);

	if (!newest) {
		(void)err_set(
			e, ERR_NOT_FOUND,
			"baileyd has no guest image; fetch one with bailey image pull, or build "
			"one "
			"with guest-stub/image/build, into the folder image of baileyd's state");
		return NULL;
	}
	if (!*named || has_image(images, named))
		return *named ? named : newest;
	(void)app_error(a, "image", e,
			"baileyd has no image \"%s\"; bailey image ls lists them, the newest is %s",
			named, newest);
	return NULL;
}

static int choose_image(struct cli *c, const struct app *a, char ret[static IMAGE_SIZE],
			struct err *e)
{
	json_t *reply = NULL;
	const char *image;
	int rc = api_call(&c->api, "ListImages", NULL, &reply, e);

	if (rc < 0)
		return rc;
	image = pick(json_object_get(reply, "images"), a, e);
	if (!image)
		rc = ERR_NOT_FOUND;
	else if (str_copy(ret, IMAGE_SIZE, image) < 0)
		rc = err_set(e, ERR_PROTO, "the name of the image %.40s... is too long", image);
	json_decref(reply);
	return rc;
}

static int create(struct cli *c, struct app *a, struct outcome *ret, struct err *e)
{
	char image[IMAGE_SIZE];
	json_t *request, *reply = NULL;
	int rc = choose_image(c, a, image, e);

	if (rc == 0)
		rc = seal_app(c, a, ret->env, NULL, e);
	if (rc < 0)
		return rc;
	if (is_dry(c)) {
		ret->action = "created";
		cli_say(c, "%s: would be created, image %s\n", app_str(a, "name"), image);
		return 0;
	}
	request = create_request(a, image, is_wanted_down(c));
	/* said before: the daemon answers when QEMU runs, which can take a while on a busy host */
	if (!ret->begun_ms)
		cli_say(c, "%s: creating, image %s%s\n", app_str(a, "name"), image,
			str_equal(app_str(a, "tee"), "tdx") ? "" : ", not confidential");
	ret->action = "created";
	ret->begun_ms = time_unix_ms();
	rc = api_call(&c->api, "CreateVm", request, &reply, e);
	json_decref(request);
	if (rc == 0)
		seal_app_note(c, a, ret->env, json_get_str(reply, "id", ""));
	if (rc == 0)
		rc = api_vm(&c->api, json_get_str(reply, "id", ""), 0, &ret->vm, e);
	else
		rc = err_wrap(e, rc, "%s", a->file);
	json_decref(reply);
	return rc;
}

/* Is there nothing more to wait for?  After a restart of the daemon a guest may have said all. */
static bool is_settled(const json_t *vm)
{
	const char *step = vm_str(vm, "boot_progress");

	return vm_is(vm, "running") && (str_equal(step, "done") || str_equal(step, "running"));
}

/* A VM that runs with older content is put down here, and started like any other that is down. */
static int put_down(struct cli *c, struct outcome *o, struct err *e)
{
	json_t *now = NULL;
	int rc;

	cli_say(c, "%s: stopping, to be started with what changed\n", vm_name(o->vm));
	rc = power_down(c, o->vm, false, e);
	if (rc == 0)
		rc = api_vm(&c->api, vm_id(o->vm), 0, &now, e);
	if (rc < 0)
		return err_wrap(e, rc, "changed, from its next start on, but");
	json_decref(o->vm);
	o->vm = now;
	return 0;
}

static int start(struct cli *c, struct outcome *o, struct err *e)
{
	o->begun_ms = time_unix_ms();
	cli_say(c, "%s: starting\n", vm_name(o->vm));
	return api_call_id(&c->api, "StartVm", vm_id(o->vm), e);
}

/* What is to be done with a VM that is there, beside its update. */
struct power {
	bool restarts, starts; /* a restart is a start too */
};

static struct power power_of(const struct cli *c, const struct outcome *o)
{
	bool is_up = vm_is(o->vm, "running"), is_due = change_is_due(o->vm);
	struct power p = { .restarts = false };

	if (is_wanted_down(c))
		return p;
	if (is_dry(c) && o->changes.n)
		is_due = true; /* it would be, after the update */
	p.restarts = is_up && is_due && !args_has(c->args, OPT_NO_RESTART);
	p.starts = p.restarts || !is_up;
	return p;
}

static const char *action_of(const struct outcome *o, struct power p)
{
	if (o->changes.n)
		return "updated";
	if (p.restarts)
		return "restarted";
	return p.starts ? "started" : "unchanged";
}

static void say_dry(const struct cli *c, const struct outcome *o, struct power p)
{
	const char *also = p.restarts ? " and restarted" : " and started";

	cli_say(c, "%s: would be %s%s\n", vm_name(o->vm),
		str_equal(o->action, "unchanged") ? "left as it is" : o->action,
		o->changes.n && p.starts ? also : "");
}

static void say_running(const struct cli *c, const struct outcome *o)
{
	const char *name = vm_name(o->vm);

	if (change_is_due(o->vm)) {
		cli_say(c, "%s: runs with what it was until its next start: bailey restart %s\n",
			name, name);
	} else if (!*vm_str(o->vm, "boot_error") || vm_no_route(vm_str(o->vm, "boot_error"))) {
		cli_say(c, "%s: %s\n", name,
			is_settled(o->vm) ? "nothing changed" : "on its way already");
	}
}

/* Say what changes, and change it. */
static int update(const struct cli *c, struct app *a, struct outcome *o, struct err *e)
{
	int rc = seal_app(c, a, o->env, o->vm, e);

	if (rc < 0)
		return rc;
	changes_find(a, vm_configuration(o->vm), &o->changes);
	if (!o->changes.n)
		return 0;
	change_show(c, vm_name(o->vm), &o->changes);
	if (*o->changes.refusal) {
		return err_set(e, ERR_CONFLICT, "%s: %s cannot be changed so: %s", a->file,
			       vm_name(o->vm), o->changes.refusal);
	}
	rc = is_dry(c) ? 0 : change_apply(c, &o->changes, &o->vm, e);
	if (rc == 0 && !is_dry(c))
		seal_app_note(c, a, o->env, vm_id(o->vm));
	return rc;
}

/* The VM of that name is there: make it this one.  Takes over @vm. */
static int adopt(struct cli *c, struct app *a, json_t *vm, struct outcome *o, struct err *e)
{
	struct power p;
	int rc;

	o->vm = vm;
	rc = update(c, a, o, e);
	if (rc < 0)
		return rc;
	p = power_of(c, o);
	o->action = action_of(o, p);
	if (is_dry(c)) {
		say_dry(c, o, p);
		return 0;
	}
	if (!p.starts && vm_is(o->vm, "running"))
		say_running(c, o);
	if (p.restarts)
		rc = put_down(c, o, e);
	return rc == 0 && p.starts ? start(c, o, e) : rc;
}

/* By the whole name: a prefix of an id must not be taken for one.  One that is being removed is as good as gone. */
static int find_by_name(struct cli *c, const char *name, json_t **ret, struct err *e)
{
	json_t *vms = NULL, *vm;
	size_t i, n = 0;
	int rc = api_vms(&c->api, 0, &vms, e);

	json_array_foreach(vms, i, vm) {
		if (rc == 0 && str_equal(vm_str(vm, "name"), name) && !vm_is(vm, "removing") &&
		    n++ == 0)
			*ret = json_incref(vm);
	}
	json_decref(vms);
	if (n > 1) {
		json_decref(*ret);
		*ret = NULL;
		return err_set(e, ERR_CONFLICT, "%zu VMs are called %s; remove all but one, by id",
			       n, name);
	}
	return rc;
}

/* One value for each file: what was done, or with --dry-run what would be. */
static void report_json(const struct cli *c, const struct app *a, const struct outcome *o,
			const json_t *vm)
{
	json_t *j = json_pack("{s:s, s:s*, s:s, s:s, s:s, s:o, s:b}", "name", app_str(a, "name"),
			      "id", vm ? vm_id(vm) : NULL, "app_id", vm ? vm_str(vm, "app_id") : "",
			      "compose_hash", a->hash, "action", o->action, "changes",
			      changes_json(&o->changes), "dry_run", is_dry(c));

	if (vm) {
		(void)json_object_set_new(j, "status", json_string(vm_str(vm, "status")));
		(void)json_object_set_new(j, "boot_progress",
					  json_string(vm_str(vm, "boot_progress")));
		(void)json_object_set_new(j, "tee", json_string(vm_tee(vm)));
		(void)json_object_set_new(j, "is_outdated", json_boolean(change_is_due(vm)));
		(void)json_object_set_new(j, "addresses", vm_addresses_json(vm));
		(void)json_object_set_new(j, "lacks_gateway", json_boolean(vm_lacks_gateway(vm)));
	}
	cli_json(j);
	json_decref(j);
}

static int report(const struct cli *c, const struct app *a, const struct outcome *o, struct err *e)
{
	json_t *vm = NULL;
	int rc = api_vm(&c->api, vm_id(o->vm), 0, &vm, e);

	if (rc < 0)
		return rc;
	if (c->wants_json) {
		report_json(c, a, o, vm);
	} else if (is_wanted_down(c)) {
		cli_say(c, "%s is %s\n", vm_name(vm), vm_str(vm, "status"));
	} else if (args_has(c->args, OPT_NO_WAIT)) {
		cli_say(c, "%s is on its way; bailey ps shows how far\n", vm_name(vm));
	} else {
		boot_announce(c, vm);
	}
	json_decref(vm);
	return 0;
}

/* Find it, or create it; the name may be taken between the two, by another `up` of this app. */
static int have(struct cli *c, struct app *a, struct outcome *o, struct err *e)
{
	const struct timespec pause = { .tv_nsec = RACE_PAUSE_MS * 1000000L };
	uint64_t end = time_mono_ms() + RACE_MS;
	json_t *vm = NULL;
	int rc;

	for (;;) {
		rc = find_by_name(c, app_str(a, "name"), &vm, e);
		if (rc < 0)
			return rc;
		if (vm)
			return adopt(c, a, vm, o, e);
		rc = create(c, a, o, e);
		if (rc >= 0 || !strstr(e->text, VM_NAME_TAKEN) || time_mono_ms() > end)
			return rc;
		(void)nanosleep(&pause, NULL);
	}
}

static int bring_up(struct cli *c, struct app *a, struct outcome *o, struct err *e)
{
	int rc = have(c, a, o, e);

	if (rc < 0)
		return rc;
	if (is_dry(c)) {
		if (c->wants_json)
			report_json(c, a, o, o->vm);
		return 0;
	}
	if (!is_wanted_down(c) && !args_has(c->args, OPT_NO_WAIT) && !is_settled(o->vm))
		rc = boot_follow(c, o->vm, o->begun_ms, e);
	return rc == 0 ? report(c, a, o, e) : rc;
}

/* An app as its files say it. */
struct wanted {
	struct app app;
	struct env_file *env; /* NULL: none */
};

static int read_files(const struct cli *c, const char *path, struct wanted *ret, struct err *e)
{
	int rc = app_load(path, &ret->app, e);

	if (rc == 0)
		rc = env_file_of_app(&ret->app, &ret->env, e);
	if (rc == 0 && ret->env && ret->env->is_exposed && !c->wants_json)
		(void)fprintf(stderr, "bailey: others can read %s; chmod 600 it\n", ret->env->path);
	return rc;
}

int cmd_up(struct cli *c, struct err *e)
{
	struct wanted *all = xcalloc(c->args->n, sizeof(*all));
	struct outcome o;
	size_t i;
	int rc = 0;

	for (i = 0; i < c->args->n && rc == 0; i++)
		rc = read_files(c, c->args->operands[i], &all[i], e);
	for (i = 0; i < c->args->n && rc == 0; i++) {
		o = (struct outcome){ .env = all[i].env };
		rc = bring_up(c, &all[i].app, &o, e);
		json_decref(o.vm);
		changes_deinit(&o.changes);
	}
	for (i = 0; i < c->args->n; i++) {
		app_deinit(&all[i].app);
		env_file_free(all[i].env);
	}
	free(all);
	return rc;
}
