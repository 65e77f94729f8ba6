/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/audit.h"

#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "data/json.h"
#include "rpc/rpc.h"

enum { WORD_MAX = 512, HOUR_MS = 60 * 60 * 1000 };

static const char name[] = "audit.jsonl";

int audit_open(struct audit *a, const char *folder, struct err *e)
{
	*a = AUDIT_NULL;
	return line_file_open(&a->file, folder, name, AUDIT_MAX, e);
}

void audit_close(struct audit *a)
{
	line_file_close(&a->file);
}

static json_t *word(const char *s)
{
	char text[WORD_MAX];

	return json_string(str_escape(text, sizeof(text), s, strlen(s)));
}

/*
 * Who may only read can be refused as often as he likes, and a page of another site can make a browser send any
 * number of GETs: without a ration they would push what was really done out of both files.
 */
static bool is_left_out(struct audit *a, const struct rpc_outcome *o)
{
	uint64_t now = time_mono_ms();

	if (o->status != 403 && o->status != 405)
		return false;
	if (!a->hour_ms || now - a->hour_ms >= HOUR_MS) {
		a->hour_ms = now;
		a->n_refusals = 0;
	}
	if (a->n_refusals == AUDIT_REFUSALS)
		log_warn("audit: %d calls refused within an hour; more of them are not recorded",
			 AUDIT_REFUSALS);
	return a->n_refusals++ >= AUDIT_REFUSALS;
}

void audit_add(struct audit *a, const struct rpc_outcome *o)
{
	auto_free char *text = NULL;
	char at[32];
	json_t *j;

	if (a->file.fd < 0 || is_left_out(a, o))
		return;
	j = json_pack("{s:s, s:o, s:s, s:o, s:i}", "at",
		      time_rfc3339(at, sizeof(at), time_unix_ms() / 1000), "who",
		      word(o->peer->name), "method", o->method->name, "about", word(o->subject),
		      "status", o->status);
	if (o->error)
		(void)json_object_set_new(j, "error", word(o->error));
	text = json_compact_ascii(j);
	json_decref(j);
	if (line_file_add(&a->file, text) < 0 && a->n_lost++ == 0)
		log_error("audit: cannot write %s: calls are not recorded", name);
}
