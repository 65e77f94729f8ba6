/* SPDX-License-Identifier: Apache-2.0 */
#include "key-provider/judge.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/time.h"
#include "crypto/x509.h"
#include "tee/collateral.h"
#include "tee/known.h"
#include "tee/quote_verify.h"

enum { KNOWN_EACH = 32, PCK_CHAIN = 3 };

struct judge {
	struct judge_options o;
	pthread_mutex_t lock;		 /* over what follows */
	struct known *known[JUDGE_MOST]; /* a verification takes one for itself */
	bool is_taken[JUDGE_MOST];
	uint64_t renewed_ms; /* 0: never */
};

struct judge *judge_new(const struct judge_options *o)
{
	struct judge *j = xnew(struct judge);
	size_t i;

	j->o = *o;
	if (pthread_mutex_init(&j->lock, NULL) != 0)
		abort(); /* no memory */
	for (i = 0; i < JUDGE_MOST; i++)
		j->known[i] = known_new(KNOWN_EACH);
	return j;
}

void judge_free(struct judge *j)
{
	size_t i;

	if (!j)
		return;
	for (i = 0; i < JUDGE_MOST; i++)
		known_free(j->known[i]);
	(void)pthread_mutex_destroy(&j->lock);
	free(j);
}

static size_t take_known(struct judge *j)
{
	size_t i = 0;

	(void)pthread_mutex_lock(&j->lock);
	while (i < JUDGE_MOST && j->is_taken[i])
		i++;
	assert(i < JUDGE_MOST); /* there are no more threads */
	j->is_taken[i] = true;
	(void)pthread_mutex_unlock(&j->lock);
	return i;
}

static void give_known(struct judge *j, size_t i)
{
	(void)pthread_mutex_lock(&j->lock);
	j->is_taken[i] = false;
	(void)pthread_mutex_unlock(&j->lock);
}

static bool may_renew(struct judge *j)
{
	uint64_t now = time_mono_ms();
	bool may;

	(void)pthread_mutex_lock(&j->lock);
	may = j->renewed_ms == 0 || now - j->renewed_ms >= JUDGE_RENEW_MS;
	if (may)
		j->renewed_ms = now;
	(void)pthread_mutex_unlock(&j->lock);
	return may;
}

/* Form, kind and platform, before anybody is asked about that platform. */
static int look(const struct judge *j, const void *p, size_t n, int64_t at, struct quote *ret,
		struct err *e)
{
	struct x509_chain chain;
	enum x509_fault fault;
	enum quote_verdict v = quote_parse(p, n, ret);

	if (v != QUOTE_OK)
		return err_set(e, ERR_PROTO, "quote-form: %s", quote_verdict_text(v));
	if (ret->body == QUOTE_BODY_SGX)
		return err_set(e, ERR_PROTO, "quote-form: it is of an enclave, not of a TD");
	if (ret->cert_type != QUOTE_CERT_PCK_CHAIN ||
	    x509_chain_read(ret->cert, ret->n_cert, &chain, NULL) < 0)
		return err_set(e, ERR_PROTO, "pck-chain: there are no PCK certificates in it");
	fault = x509_chain_check(&chain, PCK_CHAIN, j->o.root, at);
	x509_chain_deinit(&chain);
	return fault == X509_GOOD ? 0
				  : err_set(e, ERR_PROTO, "pck-chain: %s", x509_fault_text(fault));
}

static int fetch(const struct judge *j, const struct quote *q, int64_t at, bool wants_fresh,
		 struct collateral *ret, struct pccs_origin *origin, struct err *e)
{
	auto_buf struct buf text = BUF_MAX(0);
	struct pccs_args args = j->o.pccs;
	struct pccs_platform platform;
	int rc = pccs_platform_of(q, &platform, e);

	if (rc < 0)
		return rc;
	args.at = at;
	args.wants_fresh = wants_fresh;
	rc = j->o.get ? pccs_fetch_by(j->o.get, j->o.arg, &args, &platform, &text, origin, e)
		      : pccs_fetch(&args, &platform, &text, origin, e);
	if (rc == 0)
		rc = collateral_parse(text.p, text.n, ret, e);
	return rc < 0 ? err_wrap(e, rc, "no collateral") : 0;
}

/* What is verified, by whom, and what came of it. */
struct hearing {
	const void *p;
	size_t n;
	int64_t at;
	struct known *known;
	struct quote_result result;
};

static bool verify(const struct judge *j, const struct collateral *c, struct hearing *h)
{
	const struct quote_verify_args a = {
		.quote = h->p,
		.n_quote = h->n,
		.collateral = c,
		.root = j->o.root,
		.at = h->at,
		.policy = QUOTE_POLICY_STRICT,
		.accept = j->o.accept,
		.known = h->known,
	};

	return quote_verify(&a, &h->result);
}

/* Collateral out of the cache may be older than what Intel says today. */
static int decide(struct judge *j, const struct quote *q, struct hearing *h, struct err *e)
{
	struct collateral c = COLLATERAL_NULL;
	struct pccs_origin origin = { .n_fetched = 0 };
	const struct quote_result *r = &h->result;
	int rc = fetch(j, q, h->at, false, &c, &origin, e);
	bool is_good;

	if (rc < 0)
		return rc;
	is_good = verify(j, &c, h);
	collateral_deinit(&c);
	if (!is_good && origin.n_cached > 0 && pccs_may_mend(r->check) && may_renew(j)) {
		rc = fetch(j, q, h->at, true, &c, &origin, e);
		if (rc < 0)
			return rc;
		is_good = verify(j, &c, h);
		collateral_deinit(&c);
	}
	return is_good ? 0
		       : err_set(e, ERR_PROTO, "%s: expected %s, got %s", r->check, r->expected,
				 r->got);
}

int judge_quote(struct judge *j, const void *p, size_t n, int64_t at, struct judged *ret,
		struct err *e)
{
	auto_free struct hearing *h = xnew(struct hearing);
	struct quote q;
	size_t which;
	int rc = look(j, p, n, at, &q, e);

	if (rc < 0)
		return rc;
	which = take_known(j);
	h->p = p;
	h->n = n;
	h->at = at;
	h->known = j->known[which];
	rc = decide(j, &q, h, e);
	give_known(j, which);
	if (rc == 0)
		*ret = (struct judged){ .status = h->result.status, .quote = q };
	return rc;
}
