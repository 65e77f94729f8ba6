/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_logs: what a VM's console said
 *
 * The log comes in frames that tell the position of each byte.  So when the daemon goes away while we follow,
 * it is asked, once it is back, for what comes after the last byte that was shown: nothing is missing or
 * told twice.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "cli/clean.h"
#include "cli/cli.h"
#include "cli/exit.h"
#include "cli/log_frames.h"
#include "cli/vm.h"
#include "cli/watch.h"
#include "data/json.h"

enum { CHUNK_MAX = 4 * 1024 * 1024, LINE_MAX_BYTES = 64 * 1024, LINES = 10000 };

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

/* What is asked for. */
struct request {
	const char *id, *channel;
	uint32_t lines;
	bool all, follow;
};

struct log_out {
	const struct cli *cli;
	struct log_frames frames;
	struct clean clean;
	bool is_raw, is_json;
	struct buf shown, line;
};

/* The held line as an object.  Return: 0 or -EPIPE. */
static int print_line(struct log_out *o)
{
	json_auto_t *text = json_text(o->line.n ? (const char *)o->line.p : "");
	json_auto_t *line = json_pack("{s:O}", "line", text);

	cli_json(line);
	o->line.n = 0;
	return fflush(stdout) == 0 ? 0 : -EPIPE;
}

/* With --json: one object for each line; a begun one waits for its end, the log's, or LINE_MAX_BYTES. */
static int print_lines(struct log_out *o, bool is_end)
{
	size_t at = 0;
	uint8_t b;
	int rc = 0;

	for (; rc == 0 && at < o->shown.n; at++) {
		b = o->shown.p[at];
		if (b != '\n')
			rc = buf_add(&o->line, &b, 1);
		if (rc == 0 && (b == '\n' || o->line.n == LINE_MAX_BYTES))
			rc = print_line(o);
	}
	return rc == 0 && is_end && o->line.n ? print_line(o) : rc;
}

/* On stderr: the log itself is as it was. */
static void aside(const struct cli *c, uint64_t n, const char *what)
{
	if (!c->is_quiet)
		(void)fprintf(stderr, "bailey: %llu %s\n", (unsigned long long)n, what);
}

/* The log goes out as it comes: no buffer of stdio between. */
static int show(struct log_out *o, const char *p, size_t n, bool is_end)
{
	int rc;

	if (o->is_raw)
		return fd_write_all(STDOUT_FILENO, p, n);
	o->shown.n = 0;
	rc = clean_add(&o->clean, p, n, &o->shown);
	if (rc == 0 && o->is_json)
		return print_lines(o, is_end);
	return rc == 0 ? fd_write_all(STDOUT_FILENO, o->shown.p, o->shown.n) : rc;
}

static int on_log(const void *p, size_t n, void *arg)
{
	struct log_out *o = arg;
	struct log_piece piece;
	const char *at = p;
	int rc = 0;

	while (rc == 0 && n > 0) {
		rc = log_frames_next(&o->frames, &at, &n, &piece);
		if (rc <= 0)
			break;
		if (piece.gone) {
			aside(o->cli, piece.gone,
			      "bytes of the log are gone: more came than is kept");
			o->clean = CLEAN_NULL;
		}
		rc = show(o, piece.p, piece.n, false);
	}
	return rc;
}

static int get(struct log_out *o, const struct request *q, struct err *e)
{
	char path[320], start[48];
	int rc;

	if (o->frames.at)
		(void)str_format(start, sizeof(start), "from=%llu",
				 (unsigned long long)o->frames.at);
	else
		(void)str_format(start, sizeof(start), "lines=%u&all=%s", q->lines,
				 q->all ? "true" : "false");
	(void)str_format(path, sizeof(path),
			 "/logs?id=%.64s&follow=%s&ansi=true&frames=true&ch=%s&%s", q->id,
			 q->follow ? "true" : "false", q->channel, start);
	rc = api_get(&o->cli->api, path, on_log, o, e);
	if (rc == ERR_PROTO && !e->code)
		return err_set(e, rc,
			       "baileyd's log cannot be read; are bailey and baileyd of "
			       "one version?");
	return rc;
}
/* At the second look: so that a stream that ends at once is not asked for in a tight loop. */
static int is_there(const json_t *vm, void *arg, struct err *e)
{
	int *looks = arg;

	(void)vm;
	(void)e;
	return ++*looks > 1;
}

/* Until the VM is removed. */
static int follow(struct log_out *o, const struct request *q, struct err *e)
{
	int rc, looks;

	for (;;) {
		looks = 0;
		rc = get(o, q, e);
		if (rc < 0 && rc != ERR_UNREACHABLE)
			return rc;
		rc = watch(&o->cli->api, q->id, WATCH_AWAY_MS, is_there, &looks, e);
		if (rc < 0)
			return rc == ERR_NOT_FOUND ? 0 : rc;
		aside(o->cli, o->frames.at,
		      "is the byte of the log at which we go on, as baileyd was away for a moment");
		o->frames = (struct log_frames){ .next = o->frames.at, .at = o->frames.at };
	}
}

static int stream_log(struct cli *c, const struct request *q, struct err *e)
{
	struct log_out o = { .cli = c,
			     .frames = LOG_FRAMES_NULL,
			     .clean = CLEAN_NULL,
			     .is_raw = args_has(c->args, OPT_RAW),
			     .is_json = c->wants_json,
			     .line = BUF_MAX(LINE_MAX_BYTES),
			     .shown = BUF_MAX(CHUNK_MAX) };
	int rc = q->follow ? follow(&o, q, e) : get(&o, q, e);

	if (rc == 0)
		rc = show(&o, "", 0, true);
	if (rc == -EPIPE)
		rc = 0; /* whoever read has seen enough */
	buf_deinit(&o.shown);
	buf_deinit(&o.line);
	return rc;
}

int cmd_logs(struct cli *c, struct err *e)
{
	struct request q = { .all = args_has(c->args, OPT_ALL),
			     .follow = args_has(c->args, OPT_FOLLOW) };
	json_t *vm = NULL;
	int rc = cli_lines(c, LINES, &q.lines, e);

	if (rc == 0)
		rc = option_channel(c, &q.channel, e);
	if (rc == 0 && q.all && args_has(c->args, OPT_LINES))
		rc = err_set(e, ERR_INPUT, "--all and --lines contradict each other; write one");
	if (rc == 0 && args_has(c->args, OPT_RAW) && isatty(STDOUT_FILENO)) {
		rc = err_set(e, ERR_INPUT,
			     "--raw could make a guest's bytes steer this terminal; send them "
			     "into a file or a pipe");
	}
	if (rc == 0 && args_has(c->args, OPT_RAW) && c->wants_json)
		rc = err_set(e, ERR_INPUT, "--raw is no JSON; write one of --raw and --json");
	if (rc == 0)
		rc = cli_vm(c, 0, &vm, e);
	q.id = rc == 0 ? vm_id(vm) : NULL;
	if (rc == 0)
		rc = stream_log(c, &q, e);
	json_decref(vm);
	return rc;
}
