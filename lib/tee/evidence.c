/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/evidence.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "tee/boot_log.h"
#include "tee/event_log.h"
#include "wire/attestation.h"

static json_t *boot_json(const struct boot_log_event *ev, enum evidence_detail detail)
{
	size_t n = detail == EVIDENCE_FULL || boot_log_is_acpi(ev) ? ev->n_data : 0;
	auto_free char *data = xcalloc(2, n + 1);
	char digest[2 * sizeof(ev->digest.b) + 1];
	json_t *j;

	str_hex(digest, ev->digest.b, sizeof(ev->digest.b));
	str_hex(data, ev->data, n);
	j = json_pack("{s:i, s:I, s:s}", "imr", (int)ev->imr, "event_type", (json_int_t)ev->type,
		      "digest", digest);
	(void)json_object_set_new(j, "event", json_text(ev->name));
	(void)json_object_set_new(j, "event_payload", json_string(data));
	return j;
}

/* The canonical text of a version 2 event, which is what its digest is of, in hex. */
static void add_preimage(json_t *j, const struct event *ev)
{
	auto_buf struct buf text = BUF_MAX(EVENT_LOG_SIZE_MAX);
	char *hex;

	if (ev->version != 2 || event_canonical(ev, &text) < 0)
		return;
	hex = xcalloc(2, text.n + 1);
	str_hex(hex, text.p, text.n);
	(void)json_object_set_new(j, "preimage", json_string(hex));
	free(hex);
}

json_t *evidence_events(const struct boot_log *boot, const struct event_log *runtime,
			enum evidence_detail detail)
{
	json_t *all = json_array(), *theirs = event_log_json(runtime), *j;
	size_t i;

	for (i = 0; i < boot->n; i++)
		(void)json_array_append_new(all, boot_json(&boot->events[i], detail));
	json_array_foreach(theirs, i, j)
		add_preimage(j, &runtime->events[i]);
	(void)json_array_extend(all, theirs);
	json_decref(theirs);
	return all;
}

char *evidence_events_text(const struct boot_log *boot, const struct event_log *runtime,
			   enum evidence_detail detail)
{
	json_auto_t *j = evidence_events(boot, runtime, detail);

	return json_compact_ascii(j);
}

static struct attestation_bytes bytes(const void *p, size_t n)
{
	return (struct attestation_bytes){ p, n };
}

static struct attestation_bytes text(const char *s)
{
	return bytes(s, strlen(s));
}

/* A runtime event as one of the platform's log; its preimage is not told here: it follows from the other list. */
static void fill_runtime(const struct event *ev, struct digest384 *digest, struct attestation *a)
{
	struct attestation_event *to = &a->events[a->n_events++];
	struct attestation_runtime *also = &a->runtime[a->n_runtime++];

	*digest = event_digest(ev);
	*to = (struct attestation_event){ .imr = TEE_RTMR_RUNTIME,
					  .type = EVENT_TYPE_RUNTIME,
					  .digest = bytes(digest->b, sizeof(digest->b)),
					  .name = text(ev->name),
					  .payload = bytes(ev->payload, ev->n_payload),
					  .version = ev->version };
	*also = (struct attestation_runtime){ to->name, to->payload, ev->version };
}

static void fill_boot(const struct boot_log_event *ev, struct attestation *a)
{
	a->events[a->n_events++] =
		(struct attestation_event){ .imr = ev->imr,
					    .type = ev->type,
					    .digest = bytes(ev->digest.b, sizeof(ev->digest.b)),
					    .name = text(ev->name),
					    .payload = bytes(ev->data, ev->n_data),
					    .version = 1 };
}

int evidence_attestation(const struct evidence *ev, struct buf *ret, struct err *e)
{
	auto_free struct attestation *a = xnew(struct attestation);
	auto_free struct digest384 *digests = xcalloc(ev->runtime->n + 1, sizeof(*digests));
	size_t i;
	int r;

	if (ev->boot->n + ev->runtime->n > ATTESTATION_EVENTS_MAX ||
	    ev->runtime->n > ATTESTATION_RUNTIME_MAX)
		return err_set(e, ERR_LIMIT, "%zu events do not fit into an attestation",
			       ev->boot->n + ev->runtime->n);
	for (i = 0; i < ev->boot->n; i++)
		fill_boot(&ev->boot->events[i], a);
	for (i = 0; i < ev->runtime->n; i++)
		fill_runtime(&ev->runtime->events[i], &digests[i], a);
	a->quote = bytes(ev->quote, ev->n_quote);
	memcpy(a->report_data, ev->report_data, sizeof(a->report_data));
	a->config = text(ev->vm_config);
	r = attestation_write(a, attestation_form_of(a), ret);
	return r < 0 ? err_set(e, r, "the attestation does not fit") : 0;
}

struct digest256 evidence_aggregate(const struct tee_td *td)
{
	static const struct digest384 zero;
	struct digest_part parts[5 + 3] = {
		{ td->mrtd.b, 48 },    { td->rtmr[0].b, 48 }, { td->rtmr[1].b, 48 },
		{ td->rtmr[2].b, 48 }, { td->rtmr[3].b, 48 },
	};
	const struct digest384 *ids[] = { &td->mr_config_id, &td->mr_owner, &td->mr_owner_config };
	bool has_ids = false;
	size_t i;

	for (i = 0; i < 3; i++) {
		has_ids |= memcmp(ids[i], &zero, sizeof(zero)) != 0;
		parts[5 + i] = (struct digest_part){ ids[i]->b, sizeof(ids[i]->b) };
	}
	return digest256_of(parts, has_ids ? 8 : 5);
}
