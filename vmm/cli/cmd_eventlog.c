/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_eventlog: what a log of a boot's events says, in words, and whether it says it as it must */
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

enum { HEX_SHOWN = 48, REGISTER_HEX = 2 * (int)sizeof(struct digest384) + 1 };

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

static json_t *json_findings(const struct judged *j)
{
	const struct account *a = j->account;
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < a->n_findings; i++) {
		const struct account_finding *f = &a->findings[i];

		(void)json_array_append_new(
			list, json_pack("{s:s, s:o, s:o}", "check", f->check, "event",
					f->event < 0 ? json_null() : json_integer(f->event), "text",
					json_text(f->text)));
	}
	if (j->is_asked && !j->is_equal) {
		(void)json_array_append_new(
			list, json_pack("{s:s, s:n, s:s}", "check", "rtmr3", "event", "text",
					"the events do not make the register given"));
	}
	return list;
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
	(void)json_object_set_new(o, "boot_rtmr3",
				  a->has_boot_mr ? json_register(&a->boot_mr) : json_null());
	(void)json_object_set_new(o, "rtmr3", json_register(&a->rtmr[TEE_RTMR_RUNTIME]));
	(void)json_object_set_new(o, "firmware_events", json_integer((json_int_t)a->n_firmware));
	(void)json_object_set_new(o, "events", json_events(a));
	(void)json_object_set_new(o, "findings", findings);
	cli_json(o);
	json_decref(o);
}

static const struct account_finding *finding_of(const struct account *a, size_t event)
{
	size_t i;

	for (i = 0; i < a->n_findings; i++) {
		if (a->findings[i].event == (int)event)
			return &a->findings[i];
	}
	return NULL;
}

static void say_cell(struct table *t, const struct event *ev)
{
	auto_free char *text = text_of(ev);
	char hex[2 * HEX_SHOWN + 1];
	size_t n = ev->n_payload < HEX_SHOWN ? ev->n_payload : HEX_SHOWN;

	if (text) {
		table_cell(t, COLOUR_NONE, "%s", text);
		return;
	}
	str_hex(hex, ev->payload, n);
	table_cell(t, COLOUR_NONE, "%s%s", hex, n < ev->n_payload ? "..." : "");
}

static void print_events(const struct cli *c, const struct account *a)
{
	static const struct table_column columns[] = {
		{ "", false }, { "EVENT", false }, { "SAYS", true }, { NULL, false }
	};
	struct table *t = table_new(columns);
	size_t i;

	for (i = 0; i < a->log.n; i++) {
		const struct account_finding *f = finding_of(a, i);

		table_cell(t, f ? COLOUR_BAD : COLOUR_GOOD, "%s", f ? "✗" : "✓");
		table_cell(t, COLOUR_NONE, "%s", a->log.events[i].name);
		say_cell(t, &a->log.events[i]);
	}
	cli_table(c, t);
}

static void print_findings(const struct judged *j)
{
	const struct account *a = j->account;
	size_t i;

	for (i = 0; i < a->n_findings; i++) {
		const struct account_finding *f = &a->findings[i];

		if (f->event >= 0)
			(void)printf("✗ %s: event %d: %s\n", f->check, f->event + 1, f->text);
		else
			(void)printf("✗ %s: %s\n", f->check, f->text);
	}
	if (j->is_asked && !j->is_equal)
		(void)puts("✗ rtmr3: the events do not make the register given");
}

static void print_sentence(const struct judged *j)
{
	const struct account *a = j->account;
	size_t n = a->n_findings + (j->is_asked && !j->is_equal);
	char hex[REGISTER_HEX];

	str_hex(hex, a->rtmr[TEE_RTMR_RUNTIME].b, sizeof(struct digest384));
	(void)printf("rtmr3 %s\n", hex);
	if (is_good(j) && j->is_asked) {
		(void)printf("the log is whole, and %zu events make the register given.\n",
			     a->log.n);
	} else if (is_good(j)) {
		(void)printf("the log is whole; only a quote's RTMR3 says whether it is true "
			     "(--rtmr3).\n");
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

int cmd_verify_eventlog(struct cli *c, struct err *e)
{
	auto_buf struct buf text = { 0 };
	struct account *a = NULL;
	int rc = input_read(c->args->operands[0], EVENT_LOG_SIZE_MAX, &text, e);

	if (rc == 0)
		rc = account_read(text.p, text.n, &a, e);
	if (rc == ERR_LIMIT)
		rc = ERR_INPUT;
	if (rc == 0)
		rc = judge(c, a, e);
	account_free(a);
	return rc;
}
