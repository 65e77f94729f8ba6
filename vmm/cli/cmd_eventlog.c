/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_eventlog: what a log of a boot's events says, in words, and whether it says it as it must */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/exit.h"
#include "cli/input.h"
#include "cli/table.h"
#include "data/json.h"
#include "tee/account.h"
#include "tee/firmware.h"
#include "wire/ccel.h"

enum { HEX_SHOWN = 48 };

struct judged {
	const struct account *account;
	bool is_asked;		 /* --rtmr3 was given */
	bool is_equal;		 /* and it is what the events make */
	struct digest384 wanted; /* what was given */
};

static bool is_good(const struct judged *j)
{
	return j->account->n_findings == 0 && (!j->is_asked || j->is_equal);
}

static json_t *json_hex(const void *p, size_t n)
{
	auto_free char *hex = xcalloc(2, n + 1);

	str_hex(hex, p, n);
	return json_string(hex);
}

static json_t *json_register(const struct digest384 *d)
{
	return json_hex(d->b, sizeof(d->b));
}

/* A text where it is one, for people; else NULL. */
static char *text_of(const struct event *ev)
{
	char shown[4 * HEX_SHOWN];
	const uint8_t *p = ev->payload;
	size_t i;

	for (i = 0; i < ev->n_payload; i++) {
		if (p[i] < ' ' || p[i] > '~')
			return NULL;
	}
	return ev->n_payload ? xstrdup(str_escape(shown, sizeof(shown), p, ev->n_payload)) : NULL;
}

/* What an event carries, for people: a text, the start of its hex, or what its data stands for. */
static const char *says(const struct account_entry *x, char dst[static FIRMWARE_TEXT_SIZE])
{
	const struct firmware_event ev = { (unsigned int)x->imr, x->type, x->digest, x->data,
					   x->n_data };
	size_t n = x->n_data < HEX_SHOWN ? x->n_data : HEX_SHOWN;
	auto_free char *text = NULL;

	if (x->event < 0)
		return firmware_text(&ev, dst);
	text = text_of(&(struct event){ .payload = x->data, .n_payload = x->n_data });
	if (text) {
		(void)snprintf(dst, FIRMWARE_TEXT_SIZE, "%s", text);
		return dst;
	}
	str_hex(dst, x->data, n);
	(void)snprintf(dst + 2 * n, FIRMWARE_TEXT_SIZE - 2 * n, "%s", n < x->n_data ? "..." : "");
	return dst;
}

static void put_event(json_t *o, const char *key, const struct account *a, const char *name)
{
	const struct event *ev = account_event(a, name);

	(void)json_object_set_new(o, key, ev ? json_hex(ev->payload, ev->n_payload) : json_null());
}

/* The key provider's own JSON, if it is that. */
static json_t *key_provider(const struct account *a)
{
	const struct event *ev = account_event(a, "key-provider");
	json_t *j = NULL;

	if (!ev ||
	    json_parse(ev->payload, ev->n_payload, ev->n_payload, "key-provider", &j, NULL) < 0)
		return json_null();
	return j;
}

static json_t *json_events(const struct account *a)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < a->log.n; i++) {
		const struct event *ev = &a->log.events[i];
		struct digest384 d = event_digest(ev);
		auto_free char *text = text_of(ev);
		json_t *o = json_object();

		(void)json_object_set_new(o, "event", json_text(ev->name));
		(void)json_object_set_new(o, "payload", json_hex(ev->payload, ev->n_payload));
		(void)json_object_set_new(o, "text", text ? json_text(text) : json_null());
		(void)json_object_set_new(o, "version", json_integer(ev->version));
		(void)json_object_set_new(o, "digest", json_register(&d));
		(void)json_array_append_new(list, o);
	}
	return list;
}

/* Every event of every register, the firmware's with what their data says. */
static json_t *json_entries(const struct account *a)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < a->n_entries; i++) {
		const struct account_entry *x = &a->entries[i];
		char text[FIRMWARE_TEXT_SIZE];

		(void)json_array_append_new(
			list,
			json_pack("{s:o, s:I, s:o, s:o, s:o, s:o}", "imr",
				  x->imr < 0 ? json_null() : json_integer(x->imr), "event_type",
				  (json_int_t)x->type, "event", json_text(x->name), "digest",
				  json_register(&x->digest), "payload",
				  json_hex(x->data, x->n_data), "text", json_text(says(x, text))));
	}
	return list;
}

static json_t *json_findings(const struct judged *j)
{
	const struct account *a = j->account;
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < a->n_findings; i++) {
		const struct account_finding *f = &a->findings[i];

		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:o, s:o, s:o}", "check", f->check, "event",
				  f->event < 0 ? json_null() : json_integer(f->event), "entry",
				  f->entry < 0 ? json_null() : json_integer(f->entry), "text",
				  json_text(f->text)));
	}
	if (j->is_asked && !j->is_equal) {
		(void)json_array_append_new(
			list, json_pack("{s:s, s:n, s:n, s:s}", "check", "rtmr3", "event", "entry",
					"text", "the events do not make the register given"));
	}
	return list;
}

/* Those that the log has events of; null else. */
static void put_registers(json_t *o, const struct account *a)
{
	bool has[TEE_RTMR_COUNT] = { false };
	char key[8];
	size_t i;

	for (i = 0; i < a->n_entries; i++) {
		if (a->entries[i].imr >= 0)
			has[a->entries[i].imr] = true;
	}
	has[TEE_RTMR_RUNTIME] |= a->form != ACCOUNT_CCEL;
	for (i = 0; i < TEE_RTMR_COUNT; i++) {
		(void)str_format(key, sizeof(key), "rtmr%zu", i);
		(void)json_object_set_new(o, key,
					  has[i] && !(a->is_stripped && i < TEE_RTMR_RUNTIME)
						  ? json_register(&a->rtmr[i])
						  : json_null());
	}
	(void)json_object_set_new(o, "boot_rtmr3",
				  a->has_boot_mr ? json_register(&a->boot_mr) : json_null());
}

static void print_json(const struct judged *j)
{
	const struct account *a = j->account;
	json_t *o = json_object(), *findings = json_findings(j);
	const json_t *first = json_array_get(findings, 0);
	const char *check = json_get_str(first, "check", NULL);

	(void)json_object_set_new(o, "check", check ? json_string(check) : json_null());
	put_event(o, "app_id", a, "app-id");
	put_event(o, "compose_hash", a, "compose-hash");
	put_event(o, "instance_id", a, "instance-id");
	put_event(o, "os_image_hash", a, "os-image-hash");
	(void)json_object_set_new(o, "key_provider", key_provider(a));
	put_registers(o, a);
	(void)json_object_set_new(o, "firmware_events", json_integer((json_int_t)a->n_firmware));
	(void)json_object_set_new(o, "events", json_events(a));
	(void)json_object_set_new(o, "entries", json_entries(a));
	(void)json_object_set_new(o, "findings", findings);
	cli_json(o);
	json_decref(o);
}

static const struct account_finding *finding_of(const struct account *a, size_t entry)
{
	size_t i;

	for (i = 0; i < a->n_findings; i++) {
		if (a->findings[i].entry == (int)entry)
			return &a->findings[i];
	}
	return NULL;
}

static void print_events(const struct cli *c, const struct account *a)
{
	static const struct table_column columns[] = { { "", false },
						       { "RTMR", false },
						       { "EVENT", false },
						       { "SAYS", true },
						       { NULL, false } };
	struct table *t = table_new(columns);
	size_t i;

	for (i = 0; i < a->n_entries; i++) {
		const struct account_entry *x = &a->entries[i];
		const struct account_finding *f = finding_of(a, i);
		char text[FIRMWARE_TEXT_SIZE];

		table_cell(t, f ? COLOUR_BAD : COLOUR_GOOD, "%s", f ? "✗" : "✓");
		if (x->imr < 0)
			table_cell(t, COLOUR_DIM, "-");
		else
			table_cell(t, COLOUR_NONE, "%d", x->imr);
		table_cell(t, COLOUR_NONE, "%s", x->name);
		table_cell(t, COLOUR_NONE, "%s", says(x, text));
	}
	cli_table(c, t);
}

static void print_findings(const struct judged *j)
{
	const struct account *a = j->account;
	size_t i;

	for (i = 0; i < a->n_findings; i++) {
		const struct account_finding *f = &a->findings[i];

		if (f->entry >= 0)
			(void)printf("✗ %s: event %d: %s\n", f->check, f->entry + 1, f->text);
		else
			(void)printf("✗ %s: %s\n", f->check, f->text);
	}
	if (j->is_asked && !j->is_equal)
		(void)puts("✗ rtmr3: the events do not make the register given");
}

/* The registers that the log has events of, a line each. */
static void print_registers(const struct account *a)
{
	static const char *const keys[] = { "rtmr0", "rtmr1", "rtmr2", "rtmr3", "boot_rtmr3" };
	json_t *o = json_object();
	size_t i;

	put_registers(o, a);
	for (i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		const char *hex = json_get_str(o, keys[i], NULL);

		if (hex)
			(void)printf("%s %s\n", keys[i], hex);
	}
	json_decref(o);
}

static void print_sentence(const struct judged *j)
{
	const struct account *a = j->account;
	size_t n = a->n_findings + (j->is_asked && !j->is_equal);

	print_registers(a);
	if (is_good(j) && j->is_asked) {
		(void)printf("the log is whole, and %zu events make the register given.\n",
			     a->log.n);
	} else if (is_good(j)) {
		(void)printf(
			"the log is whole; only a quote's registers say whether it is true.\n");
	} else {
		(void)printf("the log is refused: %zu finding%s.\n", n, n == 1 ? "" : "s");
	}
}

static int judge(const struct cli *c, const struct account *a, struct err *e)
{
	const char *hex = c->args->options[OPT_RTMR3];
	const struct digest384 *have = &a->rtmr[TEE_RTMR_RUNTIME];
	struct judged j = { .account = a, .is_asked = hex != NULL };

	if (hex && str_unhex(j.wanted.b, sizeof(j.wanted.b), hex) < 0)
		return err_set(e, ERR_INPUT, "--rtmr3: not 48 bytes of hex");
	j.is_equal = hex && memcmp(j.wanted.b, have->b, sizeof(have->b)) == 0;
	if (c->wants_json) {
		print_json(&j);
	} else {
		if (!c->is_quiet)
			print_events(c, a);
		print_findings(&j);
		print_sentence(&j);
	}
	return is_good(&j) ? 0 : ERR_UNPROVEN;
}

/* Return: 0 and *@ret is there, or negative. */
static int read_log(const struct cli *c, struct account **ret, struct err *e)
{
	auto_buf struct buf text = { 0 };
	int rc = input_read(c->args->operands[0], CCEL_SIZE_MAX, &text, e);

	if (rc == 0)
		rc = account_read(text.p, text.n, ret, e);
	assert(rc < 0 || *ret);
	return rc == ERR_LIMIT ? ERR_INPUT : rc;
}

int cmd_eventlog_show(struct cli *c, struct err *e)
{
	struct account *a = NULL;
	int rc = read_log(c, &a, e);

	if (rc == 0)
		rc = judge(c, a, e);
	account_free(a);
	return rc;
}

int cmd_eventlog_replay(struct cli *c, struct err *e)
{
	struct account *a = NULL;
	json_t *o = NULL;
	int rc = read_log(c, &a, e);

	if (rc < 0)
		return rc;
	if (c->wants_json) {
		o = json_object();
		put_registers(o, a);
		cli_json(o);
		json_decref(o);
	} else {
		print_registers(a);
	}
	account_free(a);
	return 0;
}
