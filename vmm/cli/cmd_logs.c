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

enum { CHUNK_MAX = 4 * 1024 * 1024, LINES = 10000 };

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
	int rc = cli_lines(c, LINES, &lines, e);

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
