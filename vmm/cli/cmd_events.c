/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_events: what a VM told its host, and what the host did with it
 *
 * First all that is kept, of which the last are printed; then, with --follow, what comes after the last
 * sequence number that was seen.  So nothing is missed or told twice, also over a restart of the daemon.
 */
#include <errno.h>
#include <stdint.h>
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

enum { LINE_MAX_BYTES = 64 * 1024, KEPT_MAX = 64 * 1024 };

struct event_stream {
	const struct cli *cli;
	struct buf line; /* begun */
	json_t *kept;	 /* NULL: print at once */
	json_int_t seen; /* the last sequence number */
};

static int print_event(const struct cli *c, const json_t *event)
{
	const char *name = vm_str(event, "event"), *body = vm_str(event, "body");
	uint64_t at = json_get_u64(event, "timestamp", 0);
	char when[32], shown_name[80], shown[7000];

	if (c->wants_json) {
		cli_json(event);
	} else {
		(void)time_rfc3339(when, sizeof(when), at / 1000);
		when[19] = 0; /* the fraction comes before the Z */
		(void)printf("%s.%03uZ  %-*s%s\n", when, (unsigned int)(at % 1000), *body ? 20 : 0,
			     str_escape(shown_name, sizeof(shown_name), name, strlen(name)),
			     str_escape(shown, sizeof(shown), body, strlen(body)));
		(void)fflush(stdout);
	}
	return ferror(stdout) ? -EPIPE : 0;
}

static int take_line(struct event_stream *s)
{
	json_t *event = NULL;
	json_int_t seq;
	int rc = 0;

	if (s->line.n == 0)
		return 0; /* the daemon looks whether we are there */
	if (json_parse(s->line.p, s->line.n, LINE_MAX_BYTES, "an event", &event, NULL) < 0)
		return ERR_PROTO;
	seq = json_integer_value(json_object_get(event, "seq"));
	if (seq > s->seen)
		s->seen = seq;
	if (!s->kept)
		rc = print_event(s->cli, event);
	else if (json_array_size(s->kept) >= KEPT_MAX || json_array_append(s->kept, event) < 0)
		rc = ERR_PROTO;
	json_decref(event);
	s->line.n = 0;
	return rc;
}

static int on_bytes(const void *p, size_t n, void *arg)
{
	const char *at = p, *end = at + n, *newline;
	struct event_stream *s = arg;
	int rc = 0;

	while (rc == 0 && at < end) {
		newline = memchr(at, '\n', (size_t)(end - at));
		rc = buf_add(&s->line, at, (size_t)((newline ? newline : end) - at));
		if (rc == 0 && newline)
			rc = take_line(s);
		at = newline ? newline + 1 : end;
	}
	return rc;
}

static int get(struct event_stream *s, const char *id, bool follow, struct err *e)
{
	char path[256];
	int rc;

	(void)str_format(path, sizeof(path), "/events?id=%.64s&follow=%s&since=%lld", id,
			 follow ? "true" : "false", (long long)s->seen);
	s->line.n = 0;
	rc = api_get(&s->cli->api, path, on_bytes, s, e);
	if (rc == ERR_PROTO && !e->code)
		return err_set(e, rc, "baileyd sent an event that cannot be read");
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

/* Until the VM is removed.  A daemon that goes ends the stream; it is asked again when it is back. */
static int follow(struct event_stream *s, const char *id, struct err *e)
{
	int rc, looks;

	do {
		looks = 0;
		rc = get(s, id, true, e);
		if (rc == ERR_REFUSED || rc == ERR_PROTO || rc == -EPIPE)
			return rc;
		rc = watch(&s->cli->api, id, WATCH_AWAY_MS, is_there, &looks, e);
	} while (rc == 0);
	return rc == ERR_NOT_FOUND ? 0 : rc;
}

int cmd_events(struct cli *c, struct err *e)
{
	struct event_stream s = { .cli = c, .line = BUF_MAX(LINE_MAX_BYTES), .kept = json_array() };
	uint32_t lines;
	json_t *vm = NULL, *event;
	size_t i;
	int rc = cli_lines(c, KEPT_MAX, &lines, e);

	if (rc == 0)
		rc = cli_vm(c, 0, &vm, e);
	if (rc == 0)
		rc = get(&s, vm_id(vm), false, e);
	json_array_foreach(s.kept, i, event) {
		if (rc == 0 && i + lines >= json_array_size(s.kept))
			rc = print_event(c, event);
	}
	json_decref(s.kept);
	s.kept = NULL;
	if (rc == 0 && args_has(c->args, OPT_FOLLOW))
		rc = follow(&s, vm_id(vm), e);
	buf_deinit(&s.line);
	json_decref(vm);
	return rc == -EPIPE ? 0 : rc;
}
