/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_logs: logs and events, what a VM said */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/str.h"
#include "base/time.h"
#include "cli/clean.h"
#include "cli/cli.h"
#include "cli/heartbeat.h"
#include "cli/vm.h"
#include "cli/watch.h"

enum { CHUNK_MAX = 4 * 1024 * 1024, LINES_MAX = 10 * 1000 * 1000 };

static int option_lines(const struct cli *c, uint32_t otherwise, uint32_t *ret, struct err *e)
{
	const char *text = c->args->options[OPT_LINES];

	*ret = otherwise;
	if (text && num_parse_u32(text, 0, LINES_MAX, ret) < 0)
		return err_set(e, ERR_INPUT,
			       "--lines: \"%.40s\" is not a number of lines; write 100", text);
	return 0;
}

static int option_channel(const struct cli *c, const char **ret, struct err *e)
{
	static const char *const channels[] = { "serial", "stdout", "stderr" };
	const char *text = c->args->options[OPT_CHANNEL];
	size_t i;

	*ret = channels[0];
	for (i = 0; text && i < sizeof(channels) / sizeof(channels[0]); i++) {
		if (str_equal(text, channels[i])) {
			*ret = channels[i];
			return 0;
		}
	}
	return text ? err_set(e, ERR_INPUT,
			      "--channel: no channel \"%.40s\"; write serial, stdout or stderr",
			      text)
		    : 0;
}

struct log_out {
	struct heartbeat beat;
	struct clean clean;
	bool is_raw;
	struct buf text, shown;
};

/* The log goes out as it comes: no buffer of stdio between.  NULL: it has ended. */
static int on_log(const void *p, size_t n, void *arg)
{
	struct log_out *o = arg;
	int rc;

	o->text.n = 0;
	o->shown.n = 0;
	rc = p ? heartbeat_filter(&o->beat, p, n, &o->text) : heartbeat_end(&o->beat, &o->text);
	if (rc == 0 && o->is_raw)
		return fd_write_all(STDOUT_FILENO, o->text.p, o->text.n);
	if (rc == 0)
		rc = clean_add(&o->clean, o->text.p, o->text.n, &o->shown);
	return rc == 0 ? fd_write_all(STDOUT_FILENO, o->shown.p, o->shown.n) : rc;
}

static int stream_log(struct cli *c, const char *id, const char *channel, uint32_t lines,
		      struct err *e)
{
	struct log_out o = { .clean = CLEAN_NULL,
			     .is_raw = args_has(c->args, OPT_RAW),
			     .text = BUF_MAX(CHUNK_MAX),
			     .shown = BUF_MAX(CHUNK_MAX) };
	char path[256];
	int rc;

	(void)str_format(path, sizeof(path), "/logs?id=%.64s&follow=%s&ansi=%s&lines=%u&ch=%s", id,
			 args_has(c->args, OPT_FOLLOW) ? "true" : "false",
			 o.is_raw ? "true" : "false", lines, channel);
	rc = api_get(&c->api, path, on_log, &o, e);
	if (rc == 0)
		rc = on_log(NULL, 0, &o);
	if (rc == -EPIPE)
		rc = 0; /* whoever read has seen enough */
	buf_deinit(&o.text);
	buf_deinit(&o.shown);
	return rc;
}

int cmd_logs(struct cli *c, struct err *e)
{
	const char *channel;
	json_t *vm = NULL;
	uint32_t lines;
	int rc = option_lines(c, 10000, &lines, e);

	if (rc == 0)
		rc = option_channel(c, &channel, e);
	if (rc == 0 && args_has(c->args, OPT_RAW) && isatty(STDOUT_FILENO)) {
		rc = err_set(e, ERR_INPUT,
			     "--raw could make a guest's bytes steer this terminal; send them "
			     "into a file or a pipe");
	}
	if (rc == 0)
		rc = cli_vm(c, 0, &vm, e);
	if (rc == 0)
		rc = stream_log(c, vm_id(vm), channel, lines, e);
	json_decref(vm);
	return rc;
}

static int print_event(const char *event, const char *body, json_int_t timestamp, void *arg)
{
	const struct cli *c = arg;
	char when[32], name[80], shown[7168];
	json_t *j;

	if (c->wants_json) {
		j = json_pack("{s:s, s:s, s:I}", "event", event, "body", body, "timestamp",
			      timestamp);
		cli_json(j);
		json_decref(j);
		return 0;
	}
	(void)time_rfc3339(when, sizeof(when), (uint64_t)(timestamp > 0 ? timestamp : 0) / 1000);
	when[19] = 0; /* the fraction comes before the Z */
	(void)printf("%s.%03dZ  %-18s  %s\n", when, (int)(timestamp % 1000),
		     str_escape(name, sizeof(name), event, strlen(event)),
		     str_escape(shown, sizeof(shown), body, strlen(body)));
	(void)fflush(stdout);
	return ferror(stdout) ? -EPIPE : 0;
}

struct event_out {
	struct cli *cli;
	struct vm_event_cursor at;
};

static int on_look(const json_t *vm, void *arg, struct err *e)
{
	struct event_out *o = arg;

	(void)e;
	return vm_events_after(vm, &o->at, print_event, o->cli);
}

/* Pass over all but the last @n. */
static void skip_to_last(const json_t *vm, uint32_t n, struct vm_event_cursor *at)
{
	const json_t *events = json_object_get(vm, "events");
	size_t i, all = json_array_size(events);
	json_int_t when;

	for (i = 0; i + n < all; i++) {
		when = json_integer_value(json_object_get(json_array_get(events, i), "timestamp"));
		at->n_same = when == at->last ? at->n_same + 1 : 1;
		at->last = when;
	}
}

int cmd_events(struct cli *c, struct err *e)
{
	struct event_out o = { .cli = c };
	json_t *vm = NULL;
	uint32_t lines;
	int rc = option_lines(c, LINES_MAX, &lines, e);

	if (rc == 0)
		rc = cli_vm(c, 0, &vm, e);
	if (rc == 0) {
		skip_to_last(vm, lines, &o.at);
		rc = on_look(vm, &o, e);
	}
	if (rc == 0 && args_has(c->args, OPT_FOLLOW))
		rc = watch(&c->api, vm_id(vm), UINT64_MAX / 2, on_look, &o, e);
	if (rc == ERR_NOT_FOUND && vm)
		rc = 0; /* it was removed: there will be no more */
	json_decref(vm);
	return rc == -EPIPE ? 0 : rc;
}
