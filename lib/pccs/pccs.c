/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each part stands alone: it has its own address, its own end and its own file, so a TCB info that ended is
 * asked for without the lists beside it.  Platforms share what is not of one FMSPC.
 */
#include "pccs/pccs.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/x509.h"
#include "data/json.h"
#include "pccs/pccs_cache.h"
#include "pccs/pccs_header.h"
#include "pccs/pccs_part.h"
#include "pccs/pccs_url.h"
#include "tee/collateral.h"
#include "wire/quote.h"

enum { TIMEOUT_MS = 30 * 1000, NAME_SIZE = 128 };

struct fetch {
	pccs_get_fn get;
	void *arg;
	const struct pccs_args *args;
	const struct pccs_platform *platform;
	char base[PCCS_URL_MAX];
	uint64_t end_ms;
	int folder; /* of the cache; -1: none */
	struct pccs_origin origin;
};

int pccs_platform_of(const struct quote *q, struct pccs_platform *ret, struct err *e)
{
	struct x509_chain chain;
	char ca[NAME_SIZE] = "";
	struct pck pck;
	int rc;

	if (q->cert_type != QUOTE_CERT_PCK_CHAIN) {
		return err_set(e, ERR_INPUT,
			       "the quote holds no PCK certificates (certification data %d, not "
			       "5): whose collateral to ask for cannot be seen; have it made on a "
			       "host that is registered, or with a PCCS at hand",
			       (int)q->cert_type);
	}
	if (x509_chain_read(q->cert, q->n_cert, &chain, NULL) < 0)
		return err_set(e, ERR_INPUT, "the quote's PCK certificates cannot be read");
	rc = x509_cert_pck(chain.certs[0], &pck);
	if (rc == 0)
		rc = x509_cert_issuer_name(chain.certs[0], ca, sizeof(ca));
	x509_chain_deinit(&chain);
	if (rc < 0)
		return err_set(e, ERR_INPUT, "the quote's PCK certificate names no platform");
	*ret = (struct pccs_platform){ .is_tdx = q->tee == QUOTE_TEE_TDX,
				       .is_processor_ca = strstr(ca, "Processor") != NULL };
	memcpy(ret->fmspc, pck.fmspc, sizeof(ret->fmspc));
	return 0;
}

static int on_header(const char *line, size_t n, void *arg)
{
	return pccs_header_line(arg, line, n);
}

static int check_status(enum pccs_kind kind, const struct pccs_platform *p, int status,
			struct err *e)
{
	char fmspc[2 * sizeof(p->fmspc) + 1];

	if (status == 200)
		return 0;
	str_hex(fmspc, p->fmspc, sizeof(p->fmspc));
	if (status == 404) {
		return err_set(e, ERR_NOT_FOUND,
			       "it has no %s for this platform (%s, FMSPC %s): HTTP status 404",
			       pccs_part_name(kind), p->is_tdx ? "TDX" : "SGX", fmspc);
	}
	if (status >= 300 && status < 400) {
		return err_set(e, ERR_PROTO,
			       "it sends elsewhere (HTTP status %d), which is not followed",
			       status);
	}
	return err_set(e, ERR_PROTO, "it answers with HTTP status %d", status);
}

static int ask(const struct fetch *f, enum pccs_kind kind, const char *url, struct pccs_part *ret,
	       struct err *e)
{
	auto_free struct pccs_header *h = xnew(struct pccs_header);
	auto_buf struct buf body = BUF_MAX(0);
	uint64_t now = time_mono_ms();
	struct pccs_get g = {
		.url = url,
		.ca_file = f->args->ca_file,
		.is_loopback = pccs_url_is_loopback(f->base),
		.reply_max = kind < PCCS_TCB_INFO ? 2 * PCCS_PART_MAX : PCCS_PART_MAX,
		.on_header = on_header,
		.arg = h,
	};
	int status = 0;
	int rc;

	if (now >= f->end_ms)
		return err_set(e, -ETIMEDOUT, "no time is left");
	g.timeout_ms = (unsigned int)(f->end_ms - now);
	h->name = pccs_part_header(kind);
	rc = f->get(f->arg, &g, &status, &body, e);
	if (h->is_bad)
		return err_set(e, ERR_PROTO, "GET %s: the header %s is too long, or there twice",
			       url, h->name);
	if (rc < 0)
		return rc;
	rc = check_status(kind, f->platform, status, e);
	if (rc == 0)
		rc = pccs_part_answer(kind, body.p, body.n, h->value, ret, e);
	return rc < 0 ? err_wrap(e, rc, "GET %s", url) : 0;
}

static void keep(struct fetch *f, enum pccs_kind kind, const char *url, const struct pccs_part *p)
{
	if (f->folder >= 0 && pccs_part_is_current(p, f->args->at) && !f->origin.cache.code)
		(void)pccs_cache_put(f->folder, kind, url, p, &f->origin.cache);
}

/* From the cache while it holds, else from the service.  What has ended is at most spoken of. */
static int bring(struct fetch *f, enum pccs_kind kind, struct pccs_part *ret, struct err *e)
{
	struct pccs_part old = PCCS_PART_NULL;
	char url[PCCS_URL_MAX], ended[32] = "";
	int rc = pccs_url_part(f->base, kind, f->platform, url, e);

	if (rc < 0)
		return rc;
	if (f->folder >= 0 && !f->args->wants_fresh &&
	    pccs_cache_get(f->folder, kind, url, &old) == 0) {
		if (pccs_part_is_current(&old, f->args->at)) {
			*ret = old;
			f->origin.n_cached++;
			return 0;
		}
		if (old.until > 0)
			(void)time_rfc3339(ended, sizeof(ended), (uint64_t)old.until);
		pccs_part_deinit(&old);
	}
	rc = ask(f, kind, url, ret, e);
	if (rc < 0 && *ended)
		return err_wrap(e, rc, "the %s in the cache ended at %s", pccs_part_name(kind),
				ended);
	if (rc < 0)
		return rc;
	f->origin.n_fetched++;
	keep(f, kind, url, ret);
	return 0;
}

static int assemble(const struct pccs_part *parts, struct buf *ret, struct err *e)
{
	const struct pccs_part *tcb = &parts[PCCS_TCB_INFO], *qe = &parts[PCCS_QE_IDENTITY];
	json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}",	 /* */
			      "pck_crl_issuer_chain", parts[PCCS_PCK_CRL].chain, /* */
			      "root_ca_crl", parts[PCCS_ROOT_CRL].body,		 /* */
			      "pck_crl", parts[PCCS_PCK_CRL].body,		 /* */
			      "tcb_info_issuer_chain", tcb->chain,		 /* */
			      "tcb_info", tcb->body,				 /* */
			      "tcb_info_signature", tcb->signature,		 /* */
			      "qe_identity_issuer_chain", qe->chain,		 /* */
			      "qe_identity", qe->body,				 /* */
			      "qe_identity_signature", qe->signature);
	auto_free char *text = j ? json_compact(j) : NULL;
	int rc;

	json_decref(j);
	if (!text)
		return err_set(e, ERR_PROTO, "the collateral is not UTF-8");
	*ret = BUF_MAX(COLLATERAL_MAX);
	rc = buf_add_str(ret, text);
	return rc < 0 ? err_set(e, ERR_LIMIT, "the collateral is too large") : 0;
}

static int begin(struct fetch *f, struct err *e)
{
	const struct pccs_args *a = f->args;
	int rc = pccs_url_base(a->url ? a->url : PCCS_INTEL_URL, a->may_http, f->base, e);

	f->folder = -1;
	f->end_ms = time_mono_ms() + (a->timeout_ms ? a->timeout_ms : TIMEOUT_MS);
	if (rc == 0 && a->cache) {
		f->folder = pccs_cache_open(a->cache, &f->origin.cache);
		if (f->folder < 0)
			f->folder = -1;
	}
	return rc;
}

int pccs_fetch_by(pccs_get_fn get, void *arg, const struct pccs_args *a,
		  const struct pccs_platform *p, struct buf *ret, struct pccs_origin *origin,
		  struct err *e)
{
	struct pccs_part parts[PCCS_KIND_COUNT] = { PCCS_PART_NULL };
	struct fetch f = { .get = get, .arg = arg, .args = a, .platform = p };
	enum pccs_kind k;
	int rc = begin(&f, e);

	for (k = 0; k < PCCS_KIND_COUNT && rc == 0; k++)
		rc = bring(&f, k, &parts[k], e);
	f.origin.until = INT64_MAX;
	for (k = 0; k < PCCS_KIND_COUNT && rc == 0; k++) {
		if (parts[k].until < f.origin.until)
			f.origin.until = parts[k].until;
	}
	if (rc == 0)
		rc = assemble(parts, ret, e);
	for (k = 0; k < PCCS_KIND_COUNT; k++)
		pccs_part_deinit(&parts[k]);
	f.folder = fd_close(f.folder);
	if (rc == 0)
		*origin = f.origin;
	return rc;
}

bool pccs_may_mend(const char *check)
{
	static const char *const checks[] = {
		"collateral-form",	 "root-crl",	       "pck-crl",
		"tcb-info-signer",	 "tcb-info-signature", "qe-identity-signer",
		"qe-identity-signature", "tcb-info-date",      "qe-identity-date",
		"tcb-info-id",		 "qe-identity-id",     "fmspc",
	};
	size_t i;

	for (i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		if (str_equal(check, checks[i]))
			return true;
	}
	return false;
}
