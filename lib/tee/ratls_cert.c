/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/ratls_cert.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "crypto/cert_write.h"
#include "tee/app_info.h"
#include "tee/report_data.h"
#include "wire/attestation.h"

#define ARC "1.3.6.1.4.1.62397.1."

_Static_assert((int)RATLS_CERT_ALT_NAMES_MAX == (int)CERT_WRITE_ALT_NAMES_MAX, "one limit");

/* What a certificate carries of an attestation: in the form that it came in, without what is told twice. */
static int strip(const struct ratls_cert_args *a, struct buf *ret, struct err *e)
{
	auto_free struct attestation *at = xnew(struct attestation);
	enum attestation_verdict v = attestation_parse(a->attestation, a->n_attestation, at);
	int rc;

	if (v != ATTESTATION_OK)
		return err_set(e, ERR_INPUT, "certificate: its attestation: %s",
			       attestation_verdict_text(v));
	attestation_strip(at);
	rc = attestation_write(at, at->form, ret);
	return rc < 0 ? err_set(e, rc, "certificate: its attestation is too long") : 0;
}

/* The four, in dstack's order; contents live in @info and @attestation. */
static size_t list_extensions(const struct ratls_cert_args *a, const struct buf *info,
			      const struct buf *attestation, struct cert_extension ret[static 4])
{
	size_t n = 0;

	if (a->n_app_id)
		ret[n++] = (struct cert_extension){ ARC "3", a->app_id, a->n_app_id };
	if (a->app_info)
		ret[n++] = (struct cert_extension){ ARC "9", info->p, info->n };
	if (a->usage)
		ret[n++] = (struct cert_extension){ ARC "4", a->usage, strlen(a->usage) };
	if (a->n_attestation)
		ret[n++] = (struct cert_extension){ ARC "8", attestation->p, attestation->n };
	return n;
}

static int write_cert(const struct ratls_cert_args *a, const struct cert_extension *list, size_t n,
		      struct buf *ret, struct err *e)
{
	struct cert_text names[RATLS_CERT_ALT_NAMES_MAX];
	size_t i;
	struct cert_write_args w = {
		.common_name = { a->common_name.p, a->common_name.n },
		.organisation = { a->organisation.p, a->organisation.n },
		.alt_names = names,
		.n_alt_names = a->n_alt_names,
		.key = a->key,
		.n_key = a->n_key,
		.issuer_cert = a->issuer_cert,
		.issuer_key = a->issuer_key,
		.is_ca = a->is_ca,
		.path_length = a->path_length,
		.for_server = a->for_server,
		.for_client = a->for_client,
		.not_before = a->not_before,
		.not_after = a->not_after,
		.extensions = list,
		.n_extensions = n,
	};

	if (a->n_alt_names > RATLS_CERT_ALT_NAMES_MAX)
		return err_set(e, ERR_INPUT, "certificate: more than %d alternative names",
			       RATLS_CERT_ALT_NAMES_MAX);
	for (i = 0; i < a->n_alt_names; i++)
		names[i] = (struct cert_text){ a->alt_names[i].p, a->alt_names[i].n };
	return cert_write(&w, ret, e);
}

int ratls_cert_make(const struct ratls_cert_args *a, struct buf *ret, struct err *e)
{
	auto_buf struct buf info = BUF_MAX(APP_INFO_SIZE_MAX);
	auto_buf struct buf attestation = BUF_MAX(ATTESTATION_SIZE_MAX);
	struct cert_extension list[4];
	int rc = a->n_attestation ? strip(a, &attestation, e) : 0;

	if (rc < 0)
		return rc;
	if (a->app_info && app_info_write(a->app_info, &info) < 0)
		return err_set(e, ERR_INPUT, "certificate: its app info is too long");
	return write_cert(a, list, list_extensions(a, &info, &attestation, list), ret, e);
}

void ratls_cert_report_data(const void *key, size_t n_key, struct report_data *ret)
{
	/* fails for an algorithm that is not known, and this one is */
	if (report_data_hashed("sha512", REPORT_DATA_TAG_RATLS, key, n_key, ret, NULL) < 0)
		abort();
}

bool ratls_cert_is_bound(const uint8_t *report_data, const void *key, size_t n_key)
{
	struct report_data want;

	ratls_cert_report_data(key, n_key, &want);
	return secret_equal(want.b, report_data, sizeof(want.b));
}
