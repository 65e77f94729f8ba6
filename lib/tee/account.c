/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A system's events have an order, and each but the hashes of init scripts comes once.  Whoever reads
 * "the first app-id" may be told another than who reads the last, so what is doubled, moved or comes
 * after system-ready is a finding, whatever the register says.
 */
#include "tee/account.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"

#define READY	"system-ready"
#define BOOT_MR "boot-mr-done"

enum { SHOWN = 64, JSON_PAYLOAD_MAX = 4096 };

enum payload { ANY, EMPTY, BYTES_20, BYTES_0_OR_20, BYTES_32, OBJECT, FILE_SYSTEM };

static const struct rule {
	const char *name;
	bool is_needed, may_repeat;
	enum payload payload;
} rules[] = {
	{ "system-preparing", true, false, EMPTY },
	{ "app-id", true, false, BYTES_20 },
	{ "compose-hash", true, false, BYTES_32 },
	{ "init-script-hash", false, true, BYTES_32 },
	{ "gpu-policy-hash", false, false, BYTES_32 },
	{ "gpu-attestation", false, false, OBJECT },
	{ "instance-id", true, false, BYTES_0_OR_20 },
	{ BOOT_MR, true, false, EMPTY },
	{ "mr-kms", false, false, ANY }, /* of some older guests */
	{ "os-image-hash", false, false, BYTES_32 },
	{ "key-provider", true, false, OBJECT },
	{ "storage-fs", false, false, FILE_SYSTEM },
	{ READY, true, false, EMPTY },
};

enum { N_RULES = sizeof rules / sizeof *rules };

__attribute__((format(printf, 4, 5))) static void find(struct account *a, const char *check,
						       size_t event, const char *fmt, ...)
{
	struct account_finding *f = &a->findings[a->n_findings];
	va_list ap;

	if (a->n_findings == ACCOUNT_FINDINGS_MAX) {
		f = &a->findings[ACCOUNT_FINDINGS_MAX - 1];
		*f = (struct account_finding){ "more", ACCOUNT_ANY, "there is more" };
		return;
	}
	a->n_findings++;
	f->check = check;
	f->event = event < a->log.n ? (int)event : ACCOUNT_ANY;
	va_start(ap, fmt);
	(void)vsnprintf(f->text, sizeof f->text, fmt, ap);
	va_end(ap);
}

static size_t rule_of(const char *name)
{
	size_t i;

	for (i = 0; i < N_RULES && !str_equal(rules[i].name, name); i++)
		;
	return i;
}

static bool is_object(const struct event *ev)
{
	json_t *j = NULL;
	bool is = json_parse(ev->payload, ev->n_payload, JSON_PAYLOAD_MAX, "payload", &j, NULL) ==
			  0 &&
		  json_is_object(j);

	json_decref(j);
	return is;
}

static bool is_text(const struct event *ev, const char *text)
{
	return ev->n_payload == strlen(text) && memcmp(ev->payload, text, ev->n_payload) == 0;
}

/* What the payload must be; NULL: it is that. */
static const char *wrong_payload(const struct event *ev, enum payload kind)
{
	size_t n = ev->n_payload;

	switch (kind) {
	case ANY:
		return NULL;
	case EMPTY:
		return n == 0 ? NULL : "nothing";
	case BYTES_20:
		return n == 20 ? NULL : "20 bytes";
	case BYTES_0_OR_20:
		return n == 0 || n == 20 ? NULL : "20 bytes or nothing";
	case BYTES_32:
		return n == 32 ? NULL : "32 bytes";
	case OBJECT:
		return is_object(ev) ? NULL : "a JSON object";
	case FILE_SYSTEM:
		return is_text(ev, "zfs") || is_text(ev, "ext4") ? NULL : "zfs or ext4";
	default:
		return "known";
	}
}

static void judge_one(struct account *a, size_t i, bool is_ready, size_t seen[static N_RULES],
		      size_t *last)
{
	const struct event *ev = &a->log.events[i];
	const char *wanted;
	size_t k = rule_of(ev->name);

	if (k == N_RULES) {
		if (!is_ready)
			find(a, "order", i, "an app's event before " READY);
		return;
	}
	if (seen[k]++ && !rules[k].may_repeat)
		find(a, "doubled", i, "%s comes once only", ev->name);
	else if (is_ready)
		find(a, "order", i, "%s after " READY, ev->name);
	else if (k < *last)
		find(a, "order", i, "%s after %s", ev->name, rules[*last].name);
	wanted = wrong_payload(ev, rules[k].payload);
	if (wanted)
		find(a, "payload", i, "%s carries %zu bytes that are not %s", ev->name,
		     ev->n_payload, wanted);
	if (k > *last)
		*last = k;
}

static void judge(struct account *a)
{
	size_t seen[N_RULES] = { 0 }, last = 0, i;
	bool is_ready = false;

	for (i = 0; i < a->log.n; i++) {
		judge_one(a, i, is_ready, seen, &last);
		is_ready |= str_equal(a->log.events[i].name, READY);
	}
	for (i = 0; i < N_RULES; i++) {
		if (rules[i].is_needed && !seen[i])
			find(a, "missing", SIZE_MAX, "no %s", rules[i].name);
	}
	(void)event_log_replay(&a->log, NULL, &a->rtmr[TEE_RTMR_RUNTIME]);
	a->has_boot_mr = event_log_replay(&a->log, BOOT_MR, &a->boot_mr);
}

/* One runtime event of a list, for which @told may be NULL: its digest is made here in any case. */
static int add_runtime(struct account *a, const json_t *j, const struct digest384 *told,
		       struct err *e)
{
	const char *name = json_get_str(j, "event", ""),
		   *hex = json_get_str(j, "event_payload", "");
	size_t n = strlen(hex) / 2;
	auto_free uint8_t *payload = xcalloc(1, n + 1);
	struct event ev = { .version = (unsigned int)json_get_u64(j, "version", 1),
			    .name = name,
			    .payload = payload,
			    .n_payload = n };
	struct digest384 d;
	int rc;

	if (str_unhex(payload, n, hex) < 0)
		return err_set(e, ERR_INPUT, "its event_payload is not hex");
	rc = event_check(&ev, e);
	if (rc < 0)
		return rc;
	d = event_digest(&ev);
	ev.name = xstrdup(name);
	ev.payload = steal_ptr(&payload);
	a->log.events[a->log.n++] = ev;
	if (told && memcmp(d.b, told->b, sizeof d.b) != 0)
		find(a, "digest", a->log.n - 1,
		     "the digest told is not that of its name and payload");
	return 0;
}

static int add(struct account *a, const json_t *j, size_t i, struct err *e)
{
	uint64_t imr = json_get_u64(j, "imr", UINT64_MAX), type = json_get_u64(j, "event_type", 0);
	const char *digest = json_get_str(j, "digest", "?");
	bool is_runtime = imr == TEE_RTMR_RUNTIME && type == EVENT_TYPE_RUNTIME;
	struct digest384 told;

	if (imr >= TEE_RTMR_COUNT)
		return err_set(e, ERR_INPUT, "its imr is not 0 to 3");
	/* newer guests leave out what is to be made anew */
	if (is_runtime && !*digest)
		return add_runtime(a, j, NULL, e);
	if (str_unhex(told.b, sizeof told.b, digest) < 0)
		return err_set(e, ERR_INPUT, "its digest is not 48 bytes of hex");
	if (is_runtime)
		return add_runtime(a, j, &told, e);
	if (imr == TEE_RTMR_RUNTIME || type == EVENT_TYPE_RUNTIME) {
		find(a, "register", SIZE_MAX, "entry %zu: an event of type %08llx in RTMR%llu",
		     i + 1, (unsigned long long)type, (unsigned long long)imr);
		return 0;
	}
	a->rtmr[imr] = event_extend(&a->rtmr[imr], &told);
	a->n_firmware++;
	return 0;
}

static int add_all(struct account *a, const json_t *list, struct err *e)
{
	size_t i, n = json_array_size(list);
	int rc = 0;

	if (!json_is_array(list))
		return err_set(e, ERR_INPUT, "neither a list of events nor what holds one");
	if (n > EVENT_LOG_EVENTS_MAX)
		return err_set(e, ERR_LIMIT, "more than %d events", EVENT_LOG_EVENTS_MAX);
	for (i = 0; i < n && rc == 0; i++)
		rc = add(a, json_array_get(list, i), i, e);
	return rc < 0 ? err_wrap(e, rc, "entry %zu", i) : 0;
}

/* A list, or what holds one as "event_log". */
static int read_json(struct account *a, const json_t *j, struct err *e)
{
	const json_t *inner = json_is_object(j) ? json_object_get(j, "event_log") : j;
	json_t *list = NULL;
	int rc;

	if (!json_is_string(inner))
		return add_all(a, inner, e);
	rc = json_parse(json_string_value(inner), json_string_length(inner), EVENT_LOG_SIZE_MAX,
			"event_log", &list, e);
	if (rc == 0)
		rc = add_all(a, list, e);
	json_decref(list);
	return rc;
}

static bool is_one_event(const json_t *j)
{
	return json_is_object(j) && json_object_get(j, "event");
}

/* Lines of JSON are no JSON, but for a log of one line. */
int account_read(const void *p, size_t n, struct account **ret, struct err *e)
{
	struct account *a = xnew(struct account);
	json_t *j = NULL;
	int rc = json_parse(p, n, EVENT_LOG_SIZE_MAX, "event log", &j, NULL);

	if (n == 0 || rc < 0 || is_one_event(j)) {
		rc = event_log_parse(p, n, &a->log, e);
	} else {
		a->log.events = xcalloc(EVENT_LOG_EVENTS_MAX, sizeof *a->log.events);
		rc = read_json(a, j, e);
		if (rc < 0)
			rc = err_wrap(e, rc, "event log");
	}
	json_decref(j);
	if (rc < 0) {
		account_free(a);
		return rc;
	}
	judge(a);
	*ret = a;
	return 0;
}

void account_free(struct account *a)
{
	if (!a)
		return;
	event_log_deinit(&a->log);
	free(a);
}

const struct event *account_event(const struct account *a, const char *name)
{
	size_t i;

	for (i = 0; i < a->log.n; i++) {
		if (str_equal(a->log.events[i].name, name))
			return &a->log.events[i];
		if (str_equal(a->log.events[i].name, READY))
			break;
	}
	return NULL;
}
