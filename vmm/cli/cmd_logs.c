/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_logs: what a VM's console said */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "cli/clean.h"
#include "cli/cli.h"
#include "cli/heartbeat.h"
#include "cli/vm.h"
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

struct log_out {
	struct heartbeat beat;
	struct clean clean;
	bool is_raw, is_json;
	struct buf text, shown, line;
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
	if (rc == 0 && o->is_json)
		return print_lines(o, p == NULL);
	return rc == 0 ? fd_write_all(STDOUT_FILENO, o->shown.p, o->shown.n) : rc;
}

static int stream_log(struct cli *c, const char *id, const char *channel, uint32_t lines,
		      struct err *e)
{
	struct log_out o = { .clean = CLEAN_NULL,
			     .is_raw = args_has(c->args, OPT_RAW),
			     .is_json = c->wants_json,
			     .line = BUF_MAX(LINE_MAX_BYTES),
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
	buf_deinit(&o.line);
	return rc;
}

int cmd_logs(struct cli *c, struct err *e)
{
	const char *channel;
	json_t *vm = NULL;
	uint32_t lines;
	int rc = cli_lines(c, LINES, &lines, e);

	if (rc == 0)
		rc = option_channel(c, &channel, e);
	if (rc == 0 && args_has(c->args, OPT_RAW) && isatty(STDOUT_FILENO)) {
		rc = err_set(e, ERR_INPUT,
			     "--raw could make a guest's bytes steer this terminal; send them "
			     "into a file or a pipe");
	}
	if (rc == 0 && args_has(c->args, OPT_RAW) && c->wants_json)
		rc = err_set(e, ERR_INPUT, "--raw is no JSON; write one of --raw and --json");
	if (rc == 0)
		rc = cli_vm(c, 0, &vm, e);
	if (rc == 0)
		rc = stream_log(c, vm_id(vm), channel, lines, e);
	json_decref(vm);
	return rc;
}
