/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/audit_log.h"

#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/inject.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "data/json.h"
#include "tee/boot_info.h"
#include "tee/tcb.h"

enum { HOUR_MS = 60 * 60 * 1000, WORD_MAX = 512, AT_SIZE = 32 };

static const char *const names[AUDIT_LOG_KINDS] = { "audit.jsonl", "certificates.jsonl",
						    "refused.jsonl" };

int audit_log_open(struct audit_log *a, const char *folder, uint64_t max, struct err *e)
{
	int i, rc = 0;

	*a = (struct audit_log){ .n_refusals = 0 };
	(void)pthread_mutex_init(&a->lock, NULL);
	for (i = 0; i < AUDIT_LOG_KINDS; i++)
		a->files[i] = LINE_FILE_NULL;
	for (i = 0; rc == 0 && i < AUDIT_LOG_KINDS; i++)
		rc = line_file_open(&a->files[i], folder, names[i],
				    i == AUDIT_LOG_REFUSED ? AUDIT_LOG_REFUSED_MAX : max, e);
	if (rc < 0)
		audit_log_close(a);
	return rc;
}

void audit_log_close(struct audit_log *a)
{
	int i;

	for (i = 0; i < AUDIT_LOG_KINDS; i++)
		line_file_close(&a->files[i]);
	(void)pthread_mutex_destroy(&a->lock);
}

/* Anybody can be refused without end. */
static bool is_left_out(struct audit_log *a, enum audit_log_kind kind)
{
	uint64_t now = time_mono_ms();

	if (kind != AUDIT_LOG_REFUSED)
		return false;
	if (!a->hour_ms || now - a->hour_ms >= HOUR_MS) {
		a->hour_ms = now;
		a->n_refusals = 0;
	}
	if (a->n_refusals == AUDIT_LOG_REFUSALS)
		log_warn("audit: %d refusals within an hour; more of them are not recorded",
			 AUDIT_LOG_REFUSALS);
	return a->n_refusals++ >= AUDIT_LOG_REFUSALS;
}

static json_t *word(const char *s)
{
	char text[WORD_MAX];

	return json_string(str_escape(text, sizeof(text), s, strlen(s)));
}

static void put_hex(json_t *o, const char *key, const uint8_t *p, size_t n)
{
	char hex[2 * BOOT_INFO_DIGEST_SIZE + 1];

	str_hex(hex, p, n);
	(void)json_object_set_new(o, key, json_string(hex));
}

static void put_boot(json_t *o, const struct boot_info *b)
{
	json_t *advisories = json_array();
	size_t i;

	put_hex(o, "app_id", b->app_id, sizeof(b->app_id));
	put_hex(o, "instance_id", b->instance_id, b->n_instance_id);
	put_hex(o, "compose_hash", b->compose_hash, sizeof(b->compose_hash));
	put_hex(o, "os_image_hash", b->os_image_hash, sizeof(b->os_image_hash));
	put_hex(o, "mr_system", b->mr_system, sizeof(b->mr_system));
	put_hex(o, "mr_aggregated", b->mr_aggregated, sizeof(b->mr_aggregated));
	put_hex(o, "device_id", b->device_id, sizeof(b->device_id));
	(void)json_object_set_new(o, "tcb_status", json_string(tcb_status_name(b->tcb_status)));
	for (i = 0; i < b->n_advisories; i++)
		(void)json_array_append_new(advisories, word(b->advisories[i]));
	(void)json_object_set_new(o, "advisories", advisories);
}

static char *text_of(const struct audit_log_line *line)
{
	char at[AT_SIZE];
	json_t *o = json_pack("{s:s, s:s, s:o, s:b, s:o, s:o}", "at",
			      time_rfc3339(at, sizeof(at), time_unix_ms() / 1000), "call",
			      line->call, "from", word(line->from), "allowed",
			      line->kind != AUDIT_LOG_REFUSED, "why", word(line->why), "simulated",
			      line->boot ? json_boolean(line->boot->is_simulated) : json_null());
	char *text;

	if (line->boot)
		put_boot(o, line->boot);
	text = json_compact_ascii(o);
	json_decref(o);
	return text;
}

int audit_log_add(struct audit_log *a, const struct audit_log_line *line, struct err *e)
{
	auto_free char *text = text_of(line);
	int rc;

	(void)pthread_mutex_lock(&a->lock);
	rc = inject_error("kms.audit");
	if (rc == 0 && !is_left_out(a, line->kind))
		rc = line_file_add(&a->files[line->kind], text);
	(void)pthread_mutex_unlock(&a->lock);
	if (rc < 0)
		log_error("audit: cannot write %s", names[line->kind]);
	return rc < 0 ? err_set(e, rc, "the audit log cannot be written: nothing is handed out")
		      : 0;
}
