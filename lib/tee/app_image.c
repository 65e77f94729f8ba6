/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A register that differs says nothing of why.  Where the log is true, as its registers are the quote's, the events
 * that are not the computed ones do.
 */
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/str.h"
#include "data/json.h"
#include "tee/app_ctx.h"
#include "tee/measurement.h"

enum { VM_CONFIG_MAX = 256 * 1024, NAMES_MAX = 512 };

static bool needs_image(struct app_ctx *c)
{
	if (!c->a->has_image)
		app_say(c, APP_UNCHECKED, "no image is given; say --image or --image-hash");
	return c->a->has_image;
}

void app_check_vm_config(struct app_ctx *c)
{
	if (!needs_image(c))
		return;
	if (!c->a->evidence || !c->a->evidence->vm_config)
		app_say(c, APP_UNCHECKED, "the evidence has none");
	else if (c->a->is_config_fault)
		app_say(c, APP_FAILS, "%s", c->a->measurement_fault);
}

void app_check_image(struct app_ctx *c)
{
	if (needs_image(c) && c->a->image_fault)
		app_say(c, APP_FAILS, "%s", c->a->image_fault);
}

static bool is_told(struct app_ctx *c, const char *who, const char *hex)
{
	if (strcasecmp(hex, c->a->image_hash) == 0)
		return true;
	app_say(c, APP_FAILS, "%s names image %.64s, this is %.64s", who,
		strspn(hex, "0123456789abcdefABCDEF") == strlen(hex) ? hex : "?", c->a->image_hash);
	return false;
}

void app_check_image_hash(struct app_ctx *c)
{
	const struct account *x = c->a->account;
	const struct event *ev = x ? account_event(x, "os-image-hash") : NULL;
	const char *text = c->a->evidence ? c->a->evidence->vm_config : NULL, *told;
	json_t *j = NULL;
	char hex[2 * sizeof(struct digest256) + 1];

	if (!needs_image(c))
		return;
	if (!*c->a->image_hash) {
		app_say(c, APP_UNCHECKED, "the image has no digest.txt");
		return;
	}
	if (text && json_parse(text, strlen(text), VM_CONFIG_MAX, "vm_config", &j, NULL) < 0)
		j = NULL;
	told = json_get_str(j, "os_image_hash", "");
	if (!*told && !ev)
		app_say(c, APP_UNCHECKED, "neither vm_config nor an event names the image");
	else if (*told)
		(void)is_told(c, "vm_config", told);
	if (ev && c->row->outcome == APP_HOLDS && ev->n_payload == sizeof(struct digest256)) {
		str_hex(hex, ev->payload, ev->n_payload);
		(void)is_told(c, "the os-image-hash event", hex);
	}
	json_decref(j);
}

static bool needs_measurement(struct app_ctx *c)
{
	if (!needs_image(c) || !app_needs_td(c))
		return false;
	if (!c->a->measurement)
		app_say(c, APP_UNCHECKED, "%s", c->a->measurement_fault);
	return c->a->measurement != NULL;
}

void app_check_mrtd(struct app_ctx *c)
{
	if (needs_measurement(c))
		app_compare(c, "MRTD", c->a->measurement->mrtd.b, c->td->mr_td,
			    sizeof(struct digest384));
}

static bool is_digest(const struct digest384 *a, const void *b)
{
	return memcmp(a->b, b, sizeof a->b) == 0;
}

/* The next entry of the register, from *@i on; NULL: no more. */
static const struct account_entry *next_entry(const struct account *x, int imr, size_t *i)
{
	while (*i < x->n_entries) {
		const struct account_entry *entry = &x->entries[(*i)++];

		if (entry->imr == imr)
			return entry;
	}
	return NULL;
}

/* "kernel, initrd": what of the register's events the log has otherwise, or not at all. */
static void differing(const struct account *x, const struct measurement *m, unsigned int imr,
		      struct buf *ret)
{
	const struct account_entry *told;
	size_t i, at = 0;

	for (i = 0; i < m->n_events; i++) {
		if (m->events[i].imr != imr)
			continue;
		told = next_entry(x, (int)imr, &at);
		if (!told || !is_digest(&told->digest, m->events[i].digest.b))
			(void)buf_addf(ret, "%s%s", ret->n ? ", " : "", m->events[i].name);
	}
	if (next_entry(x, (int)imr, &at))
		(void)buf_addf(ret, "%sone more than there are", ret->n ? ", " : "");
}

/* Why a register that differs does so; the row has failed. */
static void explain(struct app_ctx *c, const struct measurement *m, unsigned int imr)
{
	const struct account *x = c->a->account;
	auto_buf struct buf names = BUF_MAX(NAMES_MAX);
	char text[APP_WHY_SIZE];

	if (!x || x->is_stripped || !is_digest(&x->rtmr[imr], c->td->rtmr[imr]))
		return;
	differing(x, m, imr, &names);
	(void)str_copy(text, sizeof text, c->row->why);
	app_say(c, APP_FAILS, "%.130s; events that differ: %s", text,
		names.n ? (const char *)names.p : "none");
}

static void check_register(struct app_ctx *c, unsigned int imr)
{
	const struct measurement *m = c->a->measurement;
	char what[16];

	if (!needs_measurement(c))
		return;
	(void)str_format(what, sizeof what, "RTMR%u", imr);
	app_compare(c, what, m->rtmr[imr].b, c->td->rtmr[imr], sizeof m->rtmr[imr].b);
	if (c->row->outcome == APP_FAILS)
		explain(c, m, imr);
}

void app_check_rtmr0(struct app_ctx *c)
{
	check_register(c, 0);
}

void app_check_rtmr1(struct app_ctx *c)
{
	check_register(c, 1);
}

void app_check_rtmr2(struct app_ctx *c)
{
	check_register(c, 2);
}
