/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/app_evidence.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "tee/event.h"
#include "tee/tee.h"
#include "wire/attestation.h"
#include "wire/quote.h"

enum { QUOTE_MAX = 1024 * 1024, V2 = 2 };

/* A member that is a text, or NULL.  A number in its place is not passed over: that would hide what was meant. */
static int member(const json_t *o, const char *key, const char **ret, struct err *e)
{
	const json_t *v = json_object_get(o, key);

	*ret = json_string_value(v);
	return !v || *ret || json_is_null(v) ? 0 : err_set(e, ERR_INPUT, "%s is no text", key);
}

static int hex_member(const json_t *o, const char *key, size_t most, uint8_t **ret, size_t *ret_n,
		      struct err *e)
{
	const char *hex;
	auto_free uint8_t *p = NULL;
	size_t n;
	int rc = member(o, key, &hex, e);

	if (rc < 0 || !hex || !*hex)
		return rc;
	if (str_starts(hex, "0x"))
		hex += 2;
	n = strlen(hex) / 2;
	if (n > most)
		return err_set(e, ERR_LIMIT, "%s has more than %zu bytes", key, most);
	p = xcalloc(1, n + 1);
	if (str_unhex(p, n, hex) < 0)
		return err_set(e, ERR_INPUT, "%s is not hex", key);
	*ret = steal_ptr(&p);
	*ret_n = n;
	return 0;
}

/* Hex into a place of @size; @exact: of just that many bytes. */
static int bytes_member(const json_t *o, const char *key, uint8_t *dst, size_t size, bool exact,
			size_t *ret_n, struct err *e)
{
	auto_free uint8_t *p = NULL;
	size_t n = 0;
	int rc = hex_member(o, key, size, &p, &n, e);

	if (rc < 0 || !p)
		return rc;
	if (exact && n != size)
		return err_set(e, ERR_INPUT, "%s has %zu bytes, not %zu", key, n, size);
	memcpy(dst, p, n);
	*ret_n = n;
	return 0;
}

static int text_member(const json_t *o, const char *key, size_t most, char **ret, struct err *e)
{
	const char *text;
	int rc = member(o, key, &text, e);

	if (rc < 0 || !text || !*text)
		return rc;
	if (strlen(text) > most)
		return err_set(e, ERR_LIMIT, "%s has more than %zu bytes", key, most);
	*ret = xstrdup(text);
	return 0;
}

/* A log is text of JSON, as dstack has it, or that JSON itself. */
static int log_member(const json_t *o, char **ret, struct err *e)
{
	const json_t *v = json_object_get(o, "event_log");

	if (!json_is_array(v))
		return text_member(o, "event_log", APP_EVIDENCE_TEXT_MAX, ret, e);
	*ret = json_compact(v);
	return 0;
}

/* Old guests have all of .sys-config.json there. */
static char *vm_config_of(const char *config, size_t n)
{
	json_t *j = NULL;
	const char *inner;
	char *ret;

	if (n == 0)
		return NULL;
	ret = xcalloc(1, n + 1);
	memcpy(ret, config, n);
	if (json_parse(ret, n, APP_EVIDENCE_TEXT_MAX, "config", &j, NULL) == 0) {
		inner = json_get_str(j, "vm_config", NULL);
		if (inner) {
			free(ret);
			ret = xstrdup(inner);
		}
	}
	json_decref(j);
	return ret;
}

static json_t *json_hex(const struct attestation_bytes *b)
{
	auto_free char *hex = xcalloc(2, b->n + 1);

	str_hex(hex, b->p, b->n);
	return json_string(hex);
}

static void add_event(json_t *list, const struct attestation_event *ev)
{
	json_t *o = json_object();

	(void)json_object_set_new(o, "imr", json_integer(ev->imr));
	(void)json_object_set_new(o, "event_type", json_integer(ev->type));
	(void)json_object_set_new(o, "digest", json_hex(&ev->digest));
	(void)json_object_set_new(o, "event", json_stringn((const char *)ev->name.p, ev->name.n));
	(void)json_object_set_new(o, "event_payload", json_hex(&ev->payload));
	if (ev->version == V2)
		(void)json_object_set_new(o, "version", json_integer(V2));
	if (ev->preimage.n > 0)
		(void)json_object_set_new(
			o, "preimage", json_stringn((const char *)ev->preimage.p, ev->preimage.n));
	(void)json_array_append_new(list, o);
}

static bool is_same(const struct attestation_bytes *a, const struct attestation_bytes *b)
{
	return a->n == b->n && (a->n == 0 || memcmp(a->p, b->p, a->n) == 0);
}

/*
 * The guest's events are told twice, or in the second list alone; a verifier that believed one list could be shown
 * the other.  *@ret_n: how many the first has.
 */
static bool is_told_alike(const struct attestation *a, size_t *ret_n)
{
	size_t i, k = 0;

	for (i = 0; i < a->n_events; i++) {
		const struct attestation_event *ev = &a->events[i];

		if (ev->imr != TEE_RTMR_RUNTIME)
			continue;
		if (k == a->n_runtime || ev->type != EVENT_TYPE_RUNTIME ||
		    ev->version != a->runtime[k].version ||
		    !is_same(&ev->name, &a->runtime[k].name) ||
		    !is_same(&ev->payload, &a->runtime[k].payload))
			return false;
		k++;
	}
	*ret_n = k;
	return k == 0 || k == a->n_runtime;
}

static json_t *log_of(const struct attestation *a, bool has_runtime)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < a->n_events; i++)
		add_event(list, &a->events[i]);
	for (i = 0; i < a->n_runtime && !has_runtime; i++) {
		const struct attestation_runtime *r = &a->runtime[i];
		struct attestation_event ev = { .imr = TEE_RTMR_RUNTIME,
						.type = EVENT_TYPE_RUNTIME,
						.name = r->name,
						.payload = r->payload,
						.version = r->version };

		add_event(list, &ev);
	}
	return list;
}

static int take_attestation(struct app_evidence *ev, const void *p, size_t n, struct err *e)
{
	struct attestation *a = xnew(struct attestation);
	enum attestation_verdict v = attestation_parse(p, n, a);
	size_t n_told = 0;
	int rc = 0;

	if (v != ATTESTATION_OK)
		rc = err_set(e, ERR_INPUT, "attestation: %s", attestation_verdict_text(v));
	else if (!is_told_alike(a, &n_told))
		rc = err_set(e, ERR_INPUT,
			     "attestation: its two lists of the guest's events differ");
	if (rc == 0) {
		ev->quote = xmemdup(a->quote.p, a->quote.n);
		ev->n_quote = a->quote.n;
		ev->events = log_of(a, n_told > 0);
		ev->vm_config = vm_config_of((const char *)a->config.p, a->config.n);
		ev->has_report_data = true;
		memcpy(ev->report_data, a->report_data, sizeof ev->report_data);
	}
	free(a);
	return rc;
}

/* "attestation" beside a quote says the same again; it counts where there is no quote. */
static int take_inner(struct app_evidence *ev, const json_t *o, struct err *e)
{
	auto_free uint8_t *p = NULL;
	size_t n = 0;
	int rc = hex_member(o, "attestation", APP_EVIDENCE_MAX, &p, &n, e);

	if (rc == 0 && !p)
		rc = err_set(e, ERR_INPUT, "neither \"quote\" nor \"attestation\" is in it");
	return rc == 0 ? take_attestation(ev, p, n, e) : rc;
}

static int take_answer(struct app_evidence *ev, const json_t *o, struct err *e)
{
	size_t n = 0;
	int rc = bytes_member(o, "nonce", ev->nonce, sizeof ev->nonce, false, &ev->n_nonce, e);

	if (rc == 0)
		rc = hex_member(o, "tls_public_key", REPORT_DATA_TLS_KEY_MAX, &ev->tls_key,
				&ev->n_tls_key, e);
	if (rc == 0)
		rc = log_member(o, &ev->log, e);
	if (rc == 0)
		rc = text_member(o, "vm_config", APP_EVIDENCE_TEXT_MAX, &ev->vm_config, e);
	if (rc == 0)
		rc = text_member(o, "app_compose", APP_EVIDENCE_COMPOSE_MAX, &ev->compose, e);
	if (rc == 0)
		rc = bytes_member(o, "report_data", ev->report_data, sizeof ev->report_data, true,
				  &n, e);
	ev->has_report_data = n > 0;
	ev->is_answer = ev->n_nonce > 0;
	return rc;
}

static int read_json(struct app_evidence *ev, const json_t *o, struct err *e)
{
	int rc;

	if (!json_is_object(o))
		return err_set(e, ERR_INPUT, "JSON that is no object");
	rc = hex_member(o, "quote", QUOTE_MAX, &ev->quote, &ev->n_quote, e);
	if (rc < 0)
		return rc;
	return ev->quote ? take_answer(ev, o, e) : take_inner(ev, o, e);
}

static bool is_json(const uint8_t *p, size_t n)
{
	size_t i;

	for (i = 0; i < n && (p[i] == ' ' || p[i] == '\n' || p[i] == '\r' || p[i] == '\t'); i++)
		;
	return i < n && (p[i] == '{' || p[i] == '[');
}

/* A quote begins with its version, 3 to 5, in two bytes; attestations do not. */
static bool is_quote(const uint8_t *p, size_t n)
{
	return n >= 2 && p[0] >= 3 && p[0] <= 5 && p[1] == 0;
}

static int read_any(struct app_evidence *ev, const uint8_t *p, size_t n, struct err *e)
{
	json_t *j = NULL;
	int rc;

	if (n > APP_EVIDENCE_MAX)
		return err_set(e, ERR_LIMIT, "more than %d bytes", APP_EVIDENCE_MAX);
	if (is_quote(p, n)) {
		ev->quote = xmemdup(p, n);
		ev->n_quote = n;
		return 0;
	}
	if (!is_json(p, n))
		return take_attestation(ev, p, n, e);
	rc = json_parse(p, n, APP_EVIDENCE_MAX, "answer", &j, e);
	if (rc == 0)
		rc = read_json(ev, j, e);
	json_decref(j);
	return rc;
}

int app_evidence_read(const void *p, size_t n, struct app_evidence **ret, struct err *e)
{
	int rc = app_evidence_read_parsed(p, n, ret, e);

	if (rc == 0 && (*ret)->events)
		(*ret)->log = json_compact((*ret)->events);
	return rc;
}

int app_evidence_read_parsed(const void *p, size_t n, struct app_evidence **ret, struct err *e)
{
	struct app_evidence *ev = xnew(struct app_evidence);
	int rc = read_any(ev, p, n, e);

	if (rc < 0) {
		app_evidence_free(ev);
		return rc;
	}
	*ret = ev;
	return 0;
}

void app_evidence_free(struct app_evidence *ev)
{
	if (!ev)
		return;
	free(ev->quote);
	free(ev->log);
	json_decref(ev->events);
	free(ev->vm_config);
	free(ev->compose);
	free(ev->tls_key);
	free(ev);
}
