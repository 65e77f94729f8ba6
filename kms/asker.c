/* SPDX-License-Identifier: Apache-2.0 */
#include "kms/asker.h"

#include <string.h>

#include <jansson.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "crypto/ratls.h"
#include "data/json.h"
#include "kms/job.h"
#include "kms/kms.h"
#include "kms/verifier.h"

int asker_verify_as(struct job *j, const struct verifier_request *q, struct verified *ret,
		    struct err *e)
{
	int rc = verifier_ask(j->jobs->kms->verifier, q, ret, e);

	return rc < 0 ? err_wrap(e, rc, "invalid quote") : 0;
}

/* Quote and log apart, as guests before versioned attestations sent them: in the form that is read of answers. */
static char *of_parts(const struct ratls *c)
{
	auto_free char *hex = xcalloc(2, c->quote.n + 1);
	json_t *o;
	char *text;

	str_hex(hex, c->quote.p, c->quote.n);
	o = json_pack("{s:s, s:s%}", "quote", hex, "event_log", (const char *)c->event_log.p,
		      c->event_log.n);
	text = o ? json_compact(o) : xstrdup("{}"); /* a log that is no UTF-8 */
	json_decref(o);
	return text;
}

static int verify(struct job *j, const struct ratls *c, bool is_booting, struct verified *ret,
		  struct err *e)
{
	auto_free char *parts = NULL;
	struct verifier_request q = { .attestation = c->attestation.p,
				      .n_attestation = c->attestation.n,
				      .key = c->key.p,
				      .n_key = c->key.n,
				      .vm_config = j->vm_config,
				      .is_booting = is_booting };

	if (!c->attestation.p) {
		if (!c->quote.p || !c->event_log.p)
			return err_set(e, ERR_PROTO, "No attestation provided");
		parts = of_parts(c);
		q.attestation = parts;
		q.n_attestation = strlen(parts);
	}
	return asker_verify_as(j, &q, ret, e);
}

int asker_verify(struct job *j, bool is_booting, struct verified *ret, struct err *e)
{
	struct ratls c;
	int rc;

	if (j->cert.n == 0)
		return err_set(e, ERR_PROTO, "No attestation provided");
	rc = ratls_read(j->cert.p, j->cert.n, &c, e);
	if (rc < 0)
		return err_wrap(e, rc, "invalid quote: the certificate");
	rc = verify(j, &c, is_booting, ret, e);
	ratls_deinit(&c);
	return rc;
}

int asker_authorise(struct job *j, enum authoriser_kind kind, const struct verified *v,
		    struct err *e)
{
	const char *who = kind == AUTHORISE_KMS ? "KMS" : "App";
	int rc = authoriser_ask(j->jobs->kms->authoriser, kind, &v->boot, &j->grant, e);

	if (rc < 0)
		return err_wrap(e, rc, "%s not allowed", who);
	return j->grant.is_allowed ? 0
				   : err_set(e, ERR_PROTO, "%s not allowed: Boot denied: %s", who,
					     j->grant.reason);
}

int asker_granted(struct job *j, const struct verified *v, struct err *e)
{
	const bool is_cert = str_equal(j->kind->name, "SignCert");
	const struct audit_log_line line = {
		is_cert ? AUDIT_LOG_CERTIFICATE : AUDIT_LOG_KEYS, j->kind->name, j->from,
		*j->grant.reason ? j->grant.reason : "the webhook allowed it", &v->boot
	};

	return audit_log_add(&j->jobs->kms->audit, &line, e);
}

int asker_refused(struct job *j, const struct verified *v, int rc, const struct err *e)
{
	const struct audit_log_line line = { AUDIT_LOG_REFUSED, j->kind->name, j->from, e->text,
					     v && v->peer ? &v->boot : NULL };

	(void)audit_log_add(&j->jobs->kms->audit, &line, NULL);
	return rc;
}
