/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What app_verify leaves unchecked for want of something is a refusal here, with two exceptions: whether the compose
 * and the app's id are ones that may have keys is for who authorises to say, and that is asked next.
 */
#include "tee/peer_verify.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "tee/account.h"
#include "tee/app_evidence.h"
#include "tee/app_verify.h"
#include "tee/derived.h"
#include "tee/lite.h"
#include "tee/lite_config.h"
#include "tee/measurement.h"
#include "tee/quote_verify.h"
#include "tee/root.h"

enum { HEX256 = 2 * BOOT_INFO_DIGEST_SIZE + 1, HEX384 = 2 * 48 + 1 };

/* All that a verification makes; too large for a stack. */
struct work {
	struct app_result result;
	char image_hash[HEX256];
};

/* The config of the request counts before that of the attestation, as in dstack: neither is signed. */
static int read_config(struct peer *p, const char *vm_config, struct err *e)
{
	struct app_evidence *ev = p->evidence;
	int rc;

	if (vm_config && *vm_config) {
		free(ev->vm_config);
		ev->vm_config = xstrdup(vm_config);
	}
	if (!ev->vm_config)
		return err_set(e, ERR_INPUT, "neither request nor attestation has a vm_config");
	rc = sys_vm_config_parse(ev->vm_config, strlen(ev->vm_config), &p->vm_doc, &p->vm, e);
	if (rc == 0 && !p->vm.has_os_image_hash)
		rc = err_set(e, ERR_INPUT, "vm_config has no os_image_hash");
	return rc;
}

static int read_log(struct peer *p, struct err *e)
{
	const char *log = p->evidence->log;

	if (p->evidence->events)
		return account_read_list(p->evidence->events, &p->account, e);
	if (!log)
		return err_set(e, ERR_INPUT, "the attestation has no event log");
	return account_read(log, strlen(log), &p->account, e);
}

int peer_read(const void *attestation, size_t n, const char *vm_config, struct peer **ret,
	      struct err *e)
{
	struct peer *p = xnew(struct peer);
	int rc = app_evidence_read_parsed(attestation, n, &p->evidence, e);

	p->quote = xnew(struct quote_result);
	if (rc == 0)
		rc = read_log(p, e);
	if (rc == 0)
		rc = read_config(p, vm_config, e);
	if (rc < 0) {
		peer_free(p);
		return rc;
	}
	*ret = p;
	return 0;
}

void peer_free(struct peer *p)
{
	if (!p)
		return;
	json_decref(p->vm_doc);
	account_free(p->account);
	app_evidence_free(p->evidence);
	free(p->quote);
	free(p);
}

static int acpi_event(const struct peer *p, const char *name, struct digest384 *ret, struct err *e)
{
	size_t i;

	for (i = 0; i < p->account->n_entries; i++) {
		const struct account_entry *x = &p->account->entries[i];

		if (x->imr == 0 && str_equal(x->name, name)) {
			*ret = x->digest;
			return 0;
		}
	}
	return err_set(e, ERR_INPUT, "the event log does not tell of %s", name);
}

int peer_acpi(const struct peer *p, struct measure_acpi *ret, struct err *e)
{
	struct measure_acpi acpi;
	int rc = acpi_event(p, "acpi-loader", &acpi.loader, e);

	if (rc == 0)
		rc = acpi_event(p, "acpi-rsdp", &acpi.rsdp, e);
	if (rc == 0)
		rc = acpi_event(p, "acpi-tables", &acpi.tables, e);
	if (rc == 0)
		*ret = acpi;
	return rc;
}

int peer_measure(const struct peer *p, bool two_pass, struct measurement *ret, struct err *e)
{
	struct lite_document d;
	struct measure_acpi acpi;
	int rc = lite_config_read(&p->vm, &d, e);

	if (rc == 0)
		rc = peer_acpi(p, &acpi, e);
	return rc < 0 ? rc : lite_measure(&d, p->vm.memory_size, two_pass, &acpi, ret, e);
}

bool peer_quote(struct peer *p, const struct peer_quote_args *args)
{
	const struct quote_verify_args q = { .quote = p->evidence->quote,
					     .n_quote = p->evidence->n_quote,
					     .collateral = args->collateral,
					     .collateral_fault = args->collateral_fault,
					     .root = args->root,
					     .at = args->at,
					     .policy = QUOTE_POLICY_STRICT,
					     .accept = args->accept,
					     .known = args->known };

	p->is_simulated = !root_is_intel(args->root);
	return quote_verify(&q, p->quote);
}

static void verify_app(const struct peer *p, const struct peer_verify_args *args, struct work *w)
{
	const struct app_verify_args a = {
		.evidence = p->evidence,
		.quote = p->quote,
		.account = p->account,
		.is_booting = args->is_booting,
		.channel = APP_CHANNEL_RATLS,
		.tls_key = args->key,
		.n_tls_key = args->n_key,
		.has_image = true,
		.image_hash = w->image_hash,
		.measurement = args->measurement,
		.measurement_fault = args->measurement_fault ? args->measurement_fault
							     : "nothing is known of the image",
	};

	str_hex(w->image_hash, p->vm.os_image_hash, BOOT_INFO_DIGEST_SIZE);
	app_verify(&a, &w->result);
}

static bool is_for_authoriser(const char *name)
{
	return str_equal(name, "compose-hash") || str_equal(name, "app-id");
}

/* The row for which it is refused; NULL: none. */
static const struct app_row *culprit(const struct app_result *r)
{
	size_t i;

	for (i = 0; i < r->n_rows; i++) {
		const struct app_row *row = &r->rows[i];

		if (row->outcome == APP_FAILS ||
		    (row->outcome == APP_UNCHECKED && !is_for_authoriser(row->name)))
			return row;
	}
	return NULL;
}

static int refuse_rtmr3(const struct peer *p, struct err *e)
{
	char quoted[HEX384], replayed[HEX384];

	str_hex(quoted, p->quote->quote.td.rtmr[TEE_RTMR_RUNTIME], QUOTE_MEASUREMENT_SIZE);
	str_hex(replayed, p->account->rtmr[TEE_RTMR_RUNTIME].b, QUOTE_MEASUREMENT_SIZE);
	return err_set(e, ERR_PROTO, "RTMR3 mismatch, quoted: %s, replayed: %s", quoted, replayed);
}

/* In dstack's words where it has some. */
static int refuse(const struct peer *p, const struct app_row *row, struct err *e)
{
	if (str_equal(row->name, "tls-key"))
		return err_set(e, ERR_PROTO, "report data mismatch: %s", row->why);
	if (str_equal(row->name, "quote.debug"))
		return err_set(e, ERR_PROTO, "Debug mode is not allowed");
	if (str_equal(row->name, "rtmr3") && row->outcome == APP_FAILS)
		return refuse_rtmr3(p, e);
	return err_set(e, ERR_PROTO, "%s: %s", row->name, row->why);
}

static void derive(const struct peer *p, const struct peer_verify_args *args, struct boot_info *b)
{
	const struct quote_td_report *td = &p->quote->quote.td;
	const struct derived_registers r = {
		.mrtd = td->mr_td,
		.rtmr = { td->rtmr[0], td->rtmr[1], td->rtmr[2],
			  args->wants_boot_mr ? p->account->boot_mr.b : td->rtmr[3] },
		.mr_config_id = td->mr_config_id,
		.mr_owner = td->mr_owner,
		.mr_owner_config = td->mr_owner_config,
	};
	const struct digest256 aggregated = derived_aggregated(&r);
	const struct digest256 system =
		derived_system(&r, b->key_provider_info, strlen(b->key_provider_info));

	memcpy(b->mr_aggregated, aggregated.b, sizeof(b->mr_aggregated));
	memcpy(b->mr_system, system.b, sizeof(b->mr_system));
}

/* The payload has the size that event-log saw to. */
static void take_event(const struct peer *p, const char *name, uint8_t *dst, size_t n, size_t *ret)
{
	const struct event *ev = account_event(p->account, name);

	*ret = ev && ev->n_payload == n ? n : 0;
	if (*ret)
		memcpy(dst, ev->payload, n);
}

static void fill(const struct peer *p, const struct peer_verify_args *args, struct boot_info *b)
{
	const struct event *provider =
		args->wants_boot_mr ? NULL : account_event(p->account, "key-provider");
	struct digest256 device = digest256_bytes(p->quote->pck.ppid, sizeof(p->quote->pck.ppid));
	size_t n;

	*b = (struct boot_info){ .is_simulated = p->is_simulated };
	take_event(p, "app-id", b->app_id, sizeof(b->app_id), &n);
	take_event(p, "compose-hash", b->compose_hash, sizeof(b->compose_hash), &n);
	take_event(p, "instance-id", b->instance_id, sizeof(b->instance_id), &b->n_instance_id);
	memcpy(b->os_image_hash, p->vm.os_image_hash, sizeof(b->os_image_hash));
	memcpy(b->ppid, p->quote->pck.ppid, sizeof(b->ppid));
	memcpy(b->device_id, device.b, sizeof(b->device_id));
	b->key_provider_info = provider ? xasprintf("%.*s", (int)provider->n_payload,
						    (const char *)provider->payload)
					: xstrdup("");
	b->tcb_status = p->quote->status;
	b->n_advisories = p->quote->n_advisories;
	memcpy(b->advisories, p->quote->advisories, sizeof(b->advisories));
	derive(p, args, b);
}

int peer_verify(const struct peer *p, const struct peer_verify_args *args, struct boot_info *ret,
		struct app_result *result, struct err *e)
{
	auto_free struct work *w = xnew(struct work);
	const struct app_row *row;

	verify_app(p, args, w);
	if (result)
		*result = w->result;
	row = culprit(&w->result);
	if (row)
		return refuse(p, row, e);
	fill(p, args, ret);
	return 0;
}
