/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/account.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "tee/account_parts.h"
#include "wire/ccel.h"

_Static_assert((int)CCEL_EVENTS_MAX <= (int)EVENT_LOG_EVENTS_MAX, "entries have room");

enum { CANONICAL_MAX = 6 * EVENT_NAME_MAX + 2 * EVENT_PAYLOAD_MAX + 64 };

void account_find(struct account *a, const char *check, size_t entry, const char *fmt, ...)
{
	struct account_finding *f = &a->findings[a->n_findings];
	va_list ap;

	if (a->n_findings == ACCOUNT_FINDINGS_MAX) {
		f = &a->findings[ACCOUNT_FINDINGS_MAX - 1];
		*f = (struct account_finding){ "more", ACCOUNT_ANY, ACCOUNT_ANY, false,
					       "there is more" };
		return;
	}
	a->n_findings++;
	f->check = check;
	f->event = f->entry = ACCOUNT_ANY;
	f->is_later = false;
	if (entry < a->n_entries) {
		f->entry = (int)entry;
		f->event = a->entries[entry].event;
	}
	va_start(ap, fmt);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it does not see va_start() */
	(void)vsnprintf(f->text, sizeof f->text, fmt, ap);
	va_end(ap);
}

/* The next entry, of the runtime event @event (ACCOUNT_ANY: of none); there is room. */
static struct account_entry *add_entry(struct account *a, int imr, uint32_t type,
				       const struct digest384 *digest, int event)
{
	struct account_entry *x = &a->entries[a->n_entries++];
	const struct event *ev = event >= 0 ? &a->log.events[event] : NULL;

	*x = (struct account_entry){ .imr = imr,
				     .type = type,
				     .digest = *digest,
				     .name = ev ? ev->name : "other",
				     .data = ev ? ev->payload : NULL,
				     .n_data = ev ? ev->n_payload : 0,
				     .event = event };
	return x;
}

static bool is_same(const struct digest384 *a, const struct digest384 *b)
{
	return memcmp(a->b, b->b, sizeof a->b) == 0;
}

/* A preimage is the very text that was hashed: hex in the log, and what we would write. */
static bool is_preimage(const char *hex, const struct event *ev)
{
	auto_buf struct buf canonical = BUF_MAX(CANONICAL_MAX);
	auto_free char *text = NULL;

	if (event_canonical(ev, &canonical) < 0)
		return false;
	text = xcalloc(2, canonical.n + 1);
	str_hex(text, canonical.p, canonical.n);
	return str_equal(text, hex);
}

static void judge_told(struct account *a, const json_t *j, const struct event *ev,
		       const struct digest384 *made, const struct digest384 *told)
{
	const char *preimage = json_get_str(j, "preimage", NULL);

	if (told && !is_same(made, told))
		account_find(a, "digest", a->n_entries - 1,
			     "the digest told is not that of its name and payload");
	if (preimage && (ev->version != 2 || !is_preimage(preimage, ev)))
		account_find(a, "preimage", a->n_entries - 1,
			     "the preimage told is not what is hashed");
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
	a->log.events[a->log.n] = ev;
	(void)add_entry(a, TEE_RTMR_RUNTIME, EVENT_TYPE_RUNTIME, &d, (int)a->log.n++);
	judge_told(a, j, &ev, &d, told);
	return 0;
}

static int add_other(struct account *a, const json_t *j, int imr, uint32_t type,
		     const struct digest384 *told, struct err *e)
{
	const char *hex = json_get_str(j, "event_payload", "");
	size_t n = strlen(hex) / 2;
	auto_free uint8_t *data = xcalloc(1, n + 1);
	struct account_entry *x;

	if (str_unhex(data, n, hex) < 0)
		return err_set(e, ERR_INPUT, "its event_payload is not hex");
	x = add_entry(a, imr, type, told, ACCOUNT_ANY);
	x->data = steal_ptr(&data);
	x->n_data = n;
	if (imr == TEE_RTMR_RUNTIME || type == EVENT_TYPE_RUNTIME)
		account_find(a, "register", a->n_entries - 1,
			     "entry %zu: an event of type %08x in RTMR%d", a->n_entries, type, imr);
	return 0;
}

static int add(struct account *a, const json_t *j, struct err *e)
{
	uint64_t imr = json_get_u64(j, "imr", UINT64_MAX), type = json_get_u64(j, "event_type", 0);
	const char *digest = json_get_str(j, "digest", "?");
	bool is_runtime = imr == TEE_RTMR_RUNTIME && type == EVENT_TYPE_RUNTIME;
	struct digest384 told;

	if (imr >= TEE_RTMR_COUNT)
		return err_set(e, ERR_INPUT, "its imr is not 0 to 3");
	if (type > UINT32_MAX)
		return err_set(e, ERR_INPUT, "its event_type is no 32-bit number");
	/* newer guests leave out what is to be made anew */
	if (is_runtime && !*digest)
		return add_runtime(a, j, NULL, e);
	if (str_unhex(told.b, sizeof told.b, digest) < 0)
		return err_set(e, ERR_INPUT, "its digest is not 48 bytes of hex");
	if (is_runtime)
		return add_runtime(a, j, &told, e);
	return add_other(a, j, (int)imr, (uint32_t)type, &told, e);
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
		rc = add(a, json_array_get(list, i), e);
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

static int read_lines(struct account *a, const void *p, size_t n, struct err *e)
{
	struct digest384 d;
	size_t i;
	int rc = event_log_parse(p, n, &a->log, e);

	a->form = ACCOUNT_LINES;
	for (i = 0; rc == 0 && i < a->log.n; i++) {
		d = event_digest(&a->log.events[i]);
		(void)add_entry(a, TEE_RTMR_RUNTIME, EVENT_TYPE_RUNTIME, &d, (int)i);
	}
	return rc;
}

static int add_measured(struct account *a, const struct ccel_event *ev, struct err *e)
{
	bool is_extended = ev->index > 0 && ev->type != CCEL_EV_NO_ACTION;
	struct digest384 d = { 0 };
	struct account_entry *x;

	if (is_extended && !ev->sha384)
		return err_set(e, ERR_INPUT,
			       "an event without a SHA-384 digest: this is no TD's log");
	if (ev->sha384)
		memcpy(d.b, ev->sha384, sizeof d.b);
	x = add_entry(a, is_extended ? (int)ev->index - 1 : ACCOUNT_ANY, ev->type, &d, ACCOUNT_ANY);
	x->data = xmemdup(ev->data, ev->n_data);
	x->n_data = ev->n_data;
	return 0;
}

static int read_ccel(struct account *a, const void *p, size_t n, struct err *e)
{
	struct ccel_event ev;
	struct ccel c = { .n_events = 0 };
	enum ccel_verdict v = ccel_open(p, n, &c);
	int rc = 0;

	a->form = ACCOUNT_CCEL;
	while (v == CCEL_OK && rc == 0) {
		v = ccel_next(&c, &ev);
		if (v == CCEL_OK)
			rc = add_measured(a, &ev, e);
	}
	if (rc == 0 && v != CCEL_END)
		rc = err_set(e, ERR_INPUT, "as a CCEL it %s", ccel_verdict_text(v));
	return rc < 0 ? err_wrap(e, rc, "event %zu", c.n_events + 1) : 0;
}

static bool is_one_event(const json_t *j)
{
	return json_is_object(j) && json_object_get(j, "event");
}

/* A CCEL begins with the number of a register and a type, of which no text can be made. */
static bool is_binary(const uint8_t *p, size_t n)
{
	return n >= 4 && p[1] == 0 && p[2] == 0 && p[3] == 0;
}

static void replay(struct account *a)
{
	size_t i;

	for (i = 0; i < a->n_entries; i++) {
		const struct account_entry *x = &a->entries[i];

		if (x->imr < 0)
			continue;
		a->rtmr[x->imr] = event_extend(&a->rtmr[x->imr], &x->digest);
		if (x->event >= 0 && !a->has_boot_mr && str_equal(x->name, ACCOUNT_BOOT_MR)) {
			a->has_boot_mr = true;
			a->boot_mr = a->rtmr[TEE_RTMR_RUNTIME];
		}
	}
}

static int read_parsed(struct account *a, const json_t *j, struct err *e)
{
	int rc;

	a->form = ACCOUNT_LIST;
	a->log.events = xcalloc(EVENT_LOG_EVENTS_MAX, sizeof *a->log.events);
	rc = read_json(a, j, e);
	return rc < 0 ? err_wrap(e, rc, "event log") : 0;
}

/* Lines of JSON are no JSON, but for a log of one line. */
static int read_text(struct account *a, const void *p, size_t n, struct err *e)
{
	json_t *j = NULL;
	int rc = json_parse(p, n, EVENT_LOG_SIZE_MAX, "event log", &j, NULL);

	if (n == 0 || rc < 0 || is_one_event(j))
		rc = read_lines(a, p, n, e);
	else
		rc = read_parsed(a, j, e);
	json_decref(j);
	return rc;
}

static struct account *begin(void)
{
	struct account *a = xnew(struct account);

	a->entries = xcalloc(EVENT_LOG_EVENTS_MAX, sizeof *a->entries);
	return a;
}

/* What was read, judged; or nothing. */
static int finish(struct account *a, int rc, struct account **ret)
{
	if (rc < 0) {
		account_free(a);
		return rc;
	}
	account_judge_firmware(a);
	if (a->form != ACCOUNT_CCEL)
		account_judge_runtime(a);
	replay(a);
	*ret = a;
	return 0;
}

int account_read(const void *p, size_t n, struct account **ret, struct err *e)
{
	struct account *a = begin();

	return finish(a, is_binary(p, n) ? read_ccel(a, p, n, e) : read_text(a, p, n, e), ret);
}

int account_read_list(const json_t *list, struct account **ret, struct err *e)
{
	struct account *a = begin();

	return finish(a, read_parsed(a, list, e), ret);
}

void account_free(struct account *a)
{
	size_t i;

	if (!a)
		return;
	for (i = 0; i < a->n_entries; i++) {
		if (a->entries[i].event < 0)
			free(mem_unconst(a->entries[i].data)); /* ours; const for readers */
	}
	free(a->entries);
	event_log_deinit(&a->log);
	free(a);
}

const struct event *account_event(const struct account *a, const char *name)
{
	size_t i;

	for (i = 0; i < a->log.n; i++) {
		if (str_equal(a->log.events[i].name, name))
			return &a->log.events[i];
		if (str_equal(a->log.events[i].name, ACCOUNT_READY))
			break;
	}
	return NULL;
}
