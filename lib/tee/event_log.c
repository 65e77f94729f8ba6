/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/event_log.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "tee/tee.h"

enum { LINE_MAX_BYTES = 6 * EVENT_NAME_MAX + EVENT_PAYLOAD_MAX / 3 * 4 + 128 };

static void event_free(const struct event *ev)
{
	/* const for those who read events; the log owns what its events point to */
	free(mem_unconst(ev->name));
	free(mem_unconst(ev->payload));
}

void event_log_deinit(struct event_log *log)
{
	size_t i;

	for (i = 0; i < log->n; i++)
		event_free(&log->events[i]);
	free(log->events);
	*log = (struct event_log){ 0 };
}

/* Keys and types of one line; strings are borrowed from @j. */
static int unpack(const json_t *j, unsigned int *version, const char **name, const char **payload,
		  struct err *e)
{
	json_error_t why;
	json_int_t v = 1;

	/* jansson takes the root as non-const but does not change it */
	if (json_unpack_ex(mem_unconst(j), &why, 0, "{s:s, s:s, s?I !}", "event", name, "payload",
			   payload, "version", &v) < 0)
		return err_set(e, ERR_INPUT, "%s", why.text);
	*version = v == 1 || v == 2 ? (unsigned int)v
				    : 0; /* event_check() says what is wrong with 0 */
	return 0;
}

static int take_event(const char *name, const char *payload, unsigned int version,
		      struct event *ret, struct err *e)
{
	size_t n = strlen(payload);
	uint8_t *bytes = xcalloc(1, base64_room(n) + 1);
	ssize_t got = base64_decode(bytes, payload, n);
	struct event ev = { .version = version, .name = name, .payload = bytes };
	int r = 0;

	if (got < 0)
		r = err_set(e, ERR_INPUT, "payload is not base64");
	else
		ev.n_payload = (size_t)got;
	if (r == 0)
		r = event_check(&ev, e);
	if (r < 0) {
		free(bytes);
		return r;
	}
	ev.name = xstrdup(name);
	*ret = ev;
	return 0;
}

static int parse_line(const char *p, size_t n, struct event *ret, struct err *e)
{
	json_auto_t *j = NULL;
	const char *name = NULL, *payload = NULL;
	unsigned int version = 0;
	int r;

	r = json_parse(p, n, LINE_MAX_BYTES, "event", &j, e);
	if (r == 0)
		r = unpack(j, &version, &name, &payload, e);
	return r ? r : take_event(name, payload, version, ret, e);
}

static int parse_all(const char *p, size_t n, struct event_log *log, struct err *e)
{
	const char *newline;
	size_t line;
	int r;

	for (; n > 0; n -= line + 1, p += line + 1) {
		newline = memchr(p, '\n', n);
		if (!newline)
			return err_set(e, ERR_INPUT, "line %zu does not end", log->n + 1);
		if (log->n == EVENT_LOG_EVENTS_MAX)
			return err_set(e, ERR_LIMIT, "more than %d events", EVENT_LOG_EVENTS_MAX);
		line = (size_t)(newline - p);
		r = parse_line(p, line, &log->events[log->n], e);
		if (r < 0)
			return err_wrap(e, r, "line %zu", log->n + 1);
		log->n++;
	}
	return 0;
}

int event_log_parse(const void *p, size_t n, struct event_log *ret, struct err *e)
{
	struct event_log log = { 0 };
	int r;

	if (n > EVENT_LOG_SIZE_MAX)
		return err_set(e, ERR_LIMIT, "event log of %zu bytes is over %d", n,
			       EVENT_LOG_SIZE_MAX);
	log.events = xcalloc(EVENT_LOG_EVENTS_MAX, sizeof(log.events[0]));
	r = parse_all(p, n, &log, e);
	if (r < 0) {
		event_log_deinit(&log);
		return err_wrap(e, r, "event log");
	}
	*ret = log;
	return 0;
}

bool event_log_replay(const struct event_log *log, const char *until, struct digest384 *ret)
{
	struct digest384 mr = { 0 }, d;
	size_t i;

	for (i = 0; i < log->n; i++) {
		d = event_digest(&log->events[i]);
		mr = event_extend(&mr, &d);
		if (until && str_equal(log->events[i].name, until))
			break;
	}
	*ret = mr;
	return !until || i < log->n;
}

static json_t *one_json(const struct event *ev)
{
	auto_free char *payload = xcalloc(2, ev->n_payload + 1);
	struct digest384 d = event_digest(ev);
	char digest[2 * sizeof(d.b) + 1];
	json_t *j;

	str_hex(digest, d.b, sizeof(d.b));
	str_hex(payload, ev->payload, ev->n_payload);
	j = json_pack("{s:i, s:i, s:s, s:s, s:s}", "imr", TEE_RTMR_RUNTIME, "event_type",
		      EVENT_TYPE_RUNTIME, "digest", digest, "event", ev->name, "event_payload",
		      payload);
	if (j && ev->version == 2)
		(void)json_object_set_new(j, "version", json_integer(2));
	return j;
}

json_t *event_log_json(const struct event_log *log)
{
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < log->n; i++)
		(void)json_array_append_new(all, one_json(&log->events[i]));
	return all;
}
