/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_registry: guest images fetched from baileyd's registry, and taken away again */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/cli.h"
#include "cli/exit.h"
#include "cli/table.h"
#include "cli/vm.h"
#include "data/json.h"

enum { STEP_MS = 300, MIB_SHIFT = 20 };

/* The daemon has a limit of its own (registry.timeout). */
#define PULL_MS ((uint64_t)24 * 3600 * 1000)

static const struct table_column columns[] = {
	{ "TAG", true },
	{ "IMAGE", true },
	{ "STATE", true },
	{ NULL, false },
};

static unsigned long long mib(const json_t *image)
{
	return (unsigned long long)(json_get_u64(image, "bytes", 0) >> MIB_SHIFT);
}

static void put_state(struct table *t, const json_t *image)
{
	if (json_get_bool(image, "local", false))
		table_cell(t, COLOUR_GOOD, "here");
	else if (json_get_bool(image, "pulling", false))
		table_cell(t, COLOUR_BUSY, "pulling, %llu MiB", mib(image));
	else if (*vm_str(image, "error"))
		table_cell(t, COLOUR_BAD, "failed: %s", vm_str(image, "error"));
	else
		table_cell(t, COLOUR_DIM, "-");
}

static void put_image(struct table *t, const json_t *image)
{
	table_cell(t, COLOUR_NONE, "%s", vm_str(image, "tag"));
	table_cell(t, COLOUR_NONE, "%s", vm_str(image, "image"));
	put_state(t, image);
}

int registry_show(struct cli *c, struct err *e)
{
	return cli_images(c, "ListRegistryImages", columns, put_image,
			  "no images in a registry; registry.url of baileyd.yaml says which", e);
}

/* The record of the pull of @tag; NULL if the daemon knows of none. */
static int ask_pull(const struct cli *c, const char *tag, json_t **ret, struct err *e)
{
	json_t *reply = NULL, *image;
	size_t i;
	int rc = api_call(&c->api, "ListPulls", NULL, &reply, e);

	*ret = NULL;
	json_array_foreach(json_object_get(reply, "images"), i, image) {
		if (!*ret && str_equal(vm_str(image, "tag"), tag))
			*ret = json_incref(image);
	}
	json_decref(reply);
	return rc;
}

static void say_progress(const struct cli *c, const char *tag, const json_t *image)
{
	if (c->out.is_tty && !c->wants_json && !c->is_quiet) {
		(void)printf("\r%s: %llu MiB", tag, mib(image));
		(void)fflush(stdout);
	}
}

static void end_progress(const struct cli *c)
{
	if (c->out.is_tty && !c->wants_json && !c->is_quiet)
		(void)fputs("\r\033[K", stdout);
}

static int report(const struct cli *c, const char *tag, const json_t *image, struct err *e)
{
	json_t *j;

	if (!image) {
		return err_set(e, ERR_NOT_FOUND,
			       "%s: baileyd knows of no such pull; was it restarted? pull again",
			       tag);
	}
	if (*vm_str(image, "error"))
		return err_set(e, -EIO, "%s: %s", tag, vm_str(image, "error"));
	if (c->wants_json) {
		j = json_pack("{s:s, s:s, s:I, s:b}", "tag", tag, "image", vm_str(image, "image"),
			      "bytes", (json_int_t)json_get_u64(image, "bytes", 0), "pulling",
			      json_get_bool(image, "pulling", false));
		cli_json(j);
		json_decref(j);
	} else if (json_get_bool(image, "pulling", false)) {
		cli_say(c, "%s is on its way; bailey image ls --registry shows how far\n", tag);
	} else {
		cli_say(c, "%s is here as %s\n", tag, vm_str(image, "image"));
	}
	return 0;
}

static int follow(const struct cli *c, const char *tag, uint64_t timeout_ms, struct err *e)
{
	const struct timespec step = { .tv_nsec = STEP_MS * 1000000L };
	uint64_t end = time_mono_ms() + timeout_ms;
	bool goes_on = true, is_late = false;
	json_t *image = NULL;
	int rc = 0;

	while (rc == 0 && goes_on && !is_late) {
		json_decref(image);
		rc = ask_pull(c, tag, &image, e);
		goes_on = json_get_bool(image, "pulling", false);
		say_progress(c, tag, image);
		is_late = args_has(c->args, OPT_NO_WAIT) || time_mono_ms() >= end;
		if (goes_on && !is_late)
			(void)nanosleep(&step, NULL);
	}
	end_progress(c);
	if (rc == 0 && goes_on && !args_has(c->args, OPT_NO_WAIT)) {
		rc = err_set(e, -ETIMEDOUT,
			     "%s is not here after %llu s; baileyd goes on fetching it", tag,
			     (unsigned long long)(timeout_ms / 1000));
	}
	if (rc == 0)
		rc = report(c, tag, image, e);
	json_decref(image);
	return rc;
}

static int pull_one(struct cli *c, const char *tag, struct err *e)
{
	json_t *request;
	uint64_t timeout;
	int rc = cli_timeout(c, PULL_MS, &timeout, e);

	if (rc < 0)
		return rc;
	cli_say(c, "%s: pulling\n", tag);
	request = json_pack("{s:o}", "tag", json_text(tag));
	rc = api_call(&c->api, "PullRegistryImage", request, NULL, e);
	json_decref(request);
	return rc < 0 ? err_wrap(e, rc, "%s", tag) : follow(c, tag, timeout, e);
}

/* Is it meant?  What was built here does not come back. */
static int consent(const struct cli *c, const char *name, struct err *e)
{
	char answer[16] = "", shown[128];

	if (args_has(c->args, OPT_FORCE))
		return 1;
	(void)str_escape(shown, sizeof(shown), name, strlen(name));
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO)) {
		return err_set(
			e, ERR_INPUT,
			"nobody to ask whether image %s may go; write bailey image rm --force %s",
			shown, shown);
	}
	(void)fprintf(stderr, "remove image %s? [y/N] ", shown);
	if (!fgets(answer, sizeof(answer), stdin))
		return 0;
	return answer[0] == 'y' || answer[0] == 'Y';
}

static int rm_one(struct cli *c, const char *name, struct err *e)
{
	json_t *j;
	int rc = consent(c, name, e), is_meant = rc;

	if (rc > 0)
		rc = api_call_id(&c->api, "DeleteImage", name, e);
	if (rc < 0)
		return rc;
	if (c->wants_json) {
		j = json_pack("{s:o, s:b}", "image", json_text(name), "removed", is_meant);
		cli_json(j);
		json_decref(j);
	} else {
		cli_say(c, "%s is %s\n", name, is_meant ? "removed" : "kept");
	}
	return 0;
}

int cmd_image_pull(struct cli *c, struct err *e)
{
	return cli_each(c, pull_one, e);
}

int cmd_image_rm(struct cli *c, struct err *e)
{
	return cli_each(c, rm_one, e);
}
