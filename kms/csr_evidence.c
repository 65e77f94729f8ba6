/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/csr_evidence.h"

#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "data/json.h"
#include "kms/verifier.h"
#include "tee/account.h"
#include "tee/app_evidence.h"
#include "tee/csr.h"
#include "tee/peer_verify.h"
#include "wire/attestation.h"

int csr_evidence_read(const struct csr *csr, struct buf *ret, struct err *e)
{
	auto_free char *hex = NULL, *text = NULL;
	json_t *o;
	int rc;

	if (csr->version == CSR_V2)
		return buf_add(ret, csr->attestation.p, csr->attestation.n);
	hex = xcalloc(2, csr->quote.n + 1);
	str_hex(hex, csr->quote.p, csr->quote.n);
	o = json_pack("{s:s, s:s%}", "quote", hex, "event_log", (const char *)csr->event_log.p,
		      csr->event_log.n);
	if (!o)
		return err_set(e, ERR_PROTO, "Failed to parse csr: its event log is no text");
	text = json_compact(o);
	json_decref(o);
	rc = buf_add_str(ret, text);
	return rc < 0 ? err_set(e, rc, "the request is too large") : 0;
}

static struct attestation_bytes bytes_of(const void *p, size_t n)
{
	return (struct attestation_bytes){ p, n };
}

/* The firmware's events have no names but the three that certificates keep, and those go by their data. */
static void add_entry(struct attestation *a, const struct account *x,
		      const struct account_entry *in)
{
	const bool is_runtime = in->event >= 0;

	if (in->imr < 0 || a->n_events == ATTESTATION_EVENTS_MAX)
		return;
	a->events[a->n_events++] = (struct attestation_event){
		.imr = (uint32_t)in->imr,
		.type = in->type,
		.digest = bytes_of(in->digest.b, sizeof(in->digest.b)),
		.name = is_runtime ? bytes_of(in->name, strlen(in->name)) : bytes_of(NULL, 0),
		.payload = bytes_of(in->data, in->n_data),
		.version = is_runtime ? x->log.events[in->event].version : 1,
	};
	if (is_runtime && a->n_runtime < ATTESTATION_RUNTIME_MAX) {
		a->runtime[a->n_runtime++] =
			(struct attestation_runtime){ bytes_of(in->name, strlen(in->name)),
						      bytes_of(in->data, in->n_data),
						      x->log.events[in->event].version };
	}
}

static int of_parts(const struct peer *p, struct buf *ret)
{
	struct attestation *a = xnew(struct attestation);
	const struct quote_td_report *td = &p->quote->quote.td;
	size_t i;
	int rc;

	a->quote = bytes_of(p->evidence->quote, p->evidence->n_quote);
	memcpy(a->report_data, td->report_data, sizeof(a->report_data));
	for (i = 0; i < p->account->n_entries; i++)
		add_entry(a, p->account, &p->account->entries[i]);
	rc = attestation_write(a, attestation_form_of(a), ret);
	free(a);
	return rc;
}

int csr_evidence_attestation(const struct csr *csr, const struct peer *p, struct buf *ret,
			     struct err *e)
{
	int rc = csr->version == CSR_V2 ? buf_add(ret, csr->attestation.p, csr->attestation.n)
					: of_parts(p, ret);

	return rc < 0 ? err_set(e, rc, "the attestation cannot be put into a certificate") : 0;
}

static struct app_info_bytes info_of(const void *p, size_t n)
{
	return (struct app_info_bytes){ p, n };
}

void csr_evidence_info(const struct verified *v, struct csr_info *ret)
{
	const struct boot_info *b = &v->runtime;
	const struct account *x = v->peer->account;
	const struct digest256 none = digest256_bytes("", 0);
	struct app_info *i = &ret->info;
	size_t k;

	*ret = (struct csr_info){ .info = { .has_init_scripts = false } };
	/* dstack's word where it does not say which machine */
	memcpy(ret->no_device, none.b, sizeof(ret->no_device));
	i->app_id = info_of(b->app_id, sizeof(b->app_id));
	i->compose_hash = info_of(b->compose_hash, sizeof(b->compose_hash));
	i->instance_id = info_of(b->instance_id, b->n_instance_id);
	i->device_id = info_of(ret->no_device, sizeof(ret->no_device));
	i->mr_system = info_of(b->mr_system, sizeof(b->mr_system));
	i->mr_aggregated = info_of(b->mr_aggregated, sizeof(b->mr_aggregated));
	i->os_image_hash = info_of(b->os_image_hash, sizeof(b->os_image_hash));
	i->key_provider_info = info_of(b->key_provider_info, strlen(b->key_provider_info));
	for (k = 0; k < x->log.n && i->n_init_scripts < APP_INFO_INIT_SCRIPTS_MAX; k++) {
		const struct event *ev = &x->log.events[k];

		if (!str_equal(ev->name, "init-script-hash"))
			continue;
		i->has_init_scripts = true;
		i->init_scripts[i->n_init_scripts++] = info_of(ev->payload, ev->n_payload);
	}
}
