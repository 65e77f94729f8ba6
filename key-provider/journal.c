/* SPDX-License-Identifier: Apache-2.0 */
#include "key-provider/journal.h"

#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "data/json.h"
#include "key-provider/judge.h"

enum { WORD_MAX = 512, HOUR_MS = 60 * 60 * 1000, RECIPIENT_SIZE = 32, HEX_MAX = 2 * 48 + 1 };

static const char name[] = "audit.jsonl";

int journal_open(struct journal *j, const char *folder, bool is_simulated, struct err *e)
{
	*j = JOURNAL_NULL;
	j->is_simulated = is_simulated;
	return line_file_open(&j->file, folder, name, JOURNAL_MAX, e);
}

void journal_close(struct journal *j)
{
	line_file_close(&j->file);
}

static json_t *begin(const struct journal *j, const char *from, const char *result)
{
	char at[32];
	json_t *o = json_pack("{s:s, s:s, s:s}", "at",
			      time_rfc3339(at, sizeof(at), time_unix_ms() / 1000), "from", from,
			      "result", result);

	if (j->is_simulated)
		(void)json_object_set_new(o, "simulated", json_true());
	return o;
}

static void add_hex(json_t *o, const char *key, const void *p, size_t n)
{
	char hex[HEX_MAX];

	str_hex(hex, p, n);
	(void)json_object_set_new(o, key, json_string(hex));
}

/* Takes @o over. */
static int end(struct journal *j, json_t *o)
{
	auto_free char *text = json_compact_ascii(o);

	json_decref(o);
	return line_file_add(&j->file, text);
}

int journal_key(struct journal *j, const char *from, const struct judged *what, struct err *e)
{
	static const char *const rtmrs[] = { "rtmr0", "rtmr1", "rtmr2", "rtmr3" };
	const struct quote_td_report *td = &what->quote.td;
	json_t *o = begin(j, from, "key");
	size_t i;
	int rc;

	(void)json_object_set_new(o, "status", json_string(tcb_status_name(what->status)));
	add_hex(o, "mrtd", td->mr_td, QUOTE_MEASUREMENT_SIZE);
	for (i = 0; i < 4; i++)
		add_hex(o, rtmrs[i], td->rtmr[i], QUOTE_MEASUREMENT_SIZE);
	add_hex(o, "mrconfigid", td->mr_config_id, QUOTE_MEASUREMENT_SIZE);
	add_hex(o, "recipient", td->report_data, RECIPIENT_SIZE);
	rc = end(j, o);
	return rc < 0 ? err_set(e, rc, "no key without its line in %s, which cannot be written: %s",
				name, strerror(-rc))
		      : 0;
}

static bool is_left_out(struct journal *j)
{
	uint64_t now = time_mono_ms();

	if (!j->hour_ms || now - j->hour_ms >= HOUR_MS) {
		j->hour_ms = now;
		j->n_refusals = 0;
	}
	if (j->n_refusals == JOURNAL_REFUSALS)
		log_warn("audit: %d refusals within an hour; more of them are not recorded",
			 JOURNAL_REFUSALS);
	return j->n_refusals++ >= JOURNAL_REFUSALS;
}

void journal_refusal(struct journal *j, const char *from, const struct err *why)
{
	char text[WORD_MAX];
	json_t *o;

	if (is_left_out(j))
		return;
	log_warn("%s: refused: %s", from,
		 str_escape(text, sizeof(text), why->text, strlen(why->text)));
	o = begin(j, from, "refused");
	(void)json_object_set_new(o, "error", json_string(text));
	if (end(j, o) < 0)
		log_warn("audit: cannot write %s", name);
}
