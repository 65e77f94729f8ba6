/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is known of certificates belongs to one thread at a time: there is a desk for each verification that may run
 * at once, with all that it needs.
 */
#include "kms/verifier.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "crypto/x509.h"
#include "kms/collateral_shelf.h"
#include "kms/config.h"
#include "kms/image_shelf.h"
#include "pccs/pccs.h"
#include "tee/app_evidence.h"
#include "tee/known.h"
#include "tee/measurement.h"
#include "tee/peer_verify.h"
#include "tee/ratls_cert.h"
#include "tee/root.h"
#include "wire/quote.h"

enum { ROOTS_MAX = 1 + KMS_CONFIG_ROOTS_MAX, ROOT_FILE_MAX = 64 * 1024, KNOWN = 128 };

struct desk {
	struct desk *next;
	struct known *certificates,
		*chains; /* of quote_verify; which root, by the digest of a chain */
	struct collateral_shelf *shelf;
};

struct verifier {
	const struct kms_config *c;
	struct x509_cert *roots[ROOTS_MAX];
	size_t n_roots;
	struct image_shelf *images;
	pthread_mutex_t lock;
	pthread_cond_t is_free;
	struct desk *desks; /* free ones */
};

void verified_deinit(struct verified *v)
{
	boot_info_deinit(&v->boot);
	boot_info_deinit(&v->runtime);
	peer_free(v->peer);
	v->peer = NULL;
}

static int read_root(const char *path, struct x509_cert **ret, struct err *e)
{
	auto_buf struct buf b = BUF_MAX(0);
	int rc = file_read(AT_FDCWD, path, ROOT_FILE_MAX, &b, e);

	if (rc == 0)
		rc = x509_cert_read(b.p, b.n, ret, e);
	if (rc == 0 && root_is_intel(*ret)) {
		x509_cert_free(*ret);
		rc = err_set(e, ERR_INPUT, "it is Intel's, which is believed anyway");
	}
	return rc < 0 ? err_wrap(e, rc, "simulated root '%s'", path) : 0;
}

static int read_roots(struct verifier *v, struct err *e)
{
	size_t i;
	int rc = 0;

	v->roots[v->n_roots++] = root_intel();
	for (i = 0; rc == 0 && i < v->c->n_roots; i++) {
		rc = read_root(v->c->roots[i].file, &v->roots[v->n_roots], e);
		v->n_roots += rc == 0;
	}
	return rc;
}

static void add_desk(struct verifier *v)
{
	struct desk *d = xnew(struct desk);

	d->certificates = known_new(KNOWN);
	d->chains = known_new(KNOWN);
	d->shelf = collateral_shelf_new(v->c);
	d->next = v->desks;
	v->desks = d;
}

int verifier_new(const struct kms_config *c, struct verifier **ret, struct err *e)
{
	struct verifier *v = xnew(struct verifier);
	unsigned int i;
	int rc;

	v->c = c;
	v->images = image_shelf_new(c);
	(void)pthread_mutex_init(&v->lock, NULL);
	(void)pthread_cond_init(&v->is_free, NULL);
	for (i = 0; i < c->verifications; i++)
		add_desk(v);
	rc = read_roots(v, e);
	if (rc < 0) {
		verifier_free(v);
		return rc;
	}
	*ret = v;
	return 0;
}

void verifier_free(struct verifier *v)
{
	struct desk *d;
	size_t i;

	if (!v)
		return;
	while ((d = v->desks)) {
		v->desks = d->next;
		known_free(d->certificates);
		known_free(d->chains);
		collateral_shelf_free(d->shelf);
		free(d);
	}
	for (i = 0; i < v->n_roots; i++)
		x509_cert_free(v->roots[i]);
	image_shelf_free(v->images);
	(void)pthread_cond_destroy(&v->is_free);
	(void)pthread_mutex_destroy(&v->lock);
	free(v);
}

struct image_shelf *verifier_images(struct verifier *v)
{
	return v->images;
}

static struct desk *take_desk(struct verifier *v)
{
	struct desk *d;

	(void)pthread_mutex_lock(&v->lock);
	while (!v->desks)
		(void)pthread_cond_wait(&v->is_free, &v->lock);
	d = v->desks;
	v->desks = d->next;
	(void)pthread_mutex_unlock(&v->lock);
	return d;
}

static void give_desk(struct verifier *v, struct desk *d)
{
	(void)pthread_mutex_lock(&v->lock);
	d->next = v->desks;
	v->desks = d;
	(void)pthread_cond_signal(&v->is_free);
	(void)pthread_mutex_unlock(&v->lock);
}

/* What a quote's chain of certificates says, which is the same each time: reading one is slow. */
struct chain {
	size_t root; /* to which it leads; n_roots: to none */
	struct pccs_platform platform;
};

static void read_chain(const struct verifier *v, const struct quote *q, struct chain *ret)
{
	struct x509_chain chain = { .n = 0 };
	size_t i;

	ret->root = v->n_roots;
	if (q->cert_type != QUOTE_CERT_PCK_CHAIN ||
	    x509_chain_read(q->cert, q->n_cert, &chain, NULL) < 0)
		return;
	for (i = 0; i < v->n_roots && ret->root == v->n_roots; i++) {
		if (x509_chain_trust(&chain, chain.n, v->roots[i]) == X509_GOOD)
			ret->root = i;
	}
	x509_chain_deinit(&chain);
	if (pccs_platform_of(q, &ret->platform, NULL) < 0)
		ret->root = v->n_roots;
}

/* Good until the desk looks at other quotes. */
static const struct chain *chain_of(const struct verifier *v, struct desk *d, const struct quote *q)
{
	struct digest256 key = digest256_bytes(q->cert, q->n_cert);
	const struct chain *known = known_get(d->chains, &key);
	struct chain *made;

	if (known)
		return known;
	made = xnew(struct chain);
	read_chain(v, q, made);
	known_put(d->chains, &key, made, free);
	return made;
}

/* Nobody is asked for collateral of a platform that no root vouches for: anybody can make up such a one. */
static void verify_quote(const struct verifier *v, struct desk *d, struct peer *p)
{
	struct peer_quote_args a = { .root = v->roots[0],
				     .at = (int64_t)(time_unix_ms() / 1000),
				     .accept = v->c->accept,
				     .known = d->certificates };
	const struct chain *chain;
	struct quote q;

	if (quote_parse(p->evidence->quote, p->evidence->n_quote, &q) != QUOTE_OK) {
		(void)peer_quote(p, &a); /* says that it is none */
		return;
	}
	chain = chain_of(v, d, &q);
	if (chain->root == v->n_roots) {
		a.collateral_fault = "a PCK certificate that leads to no root that is believed";
		(void)peer_quote(p, &a);
		return;
	}
	a.root = v->roots[chain->root];
	a.collateral = collateral_shelf_get(d->shelf, chain->root, &chain->platform, a.at,
					    &a.collateral_fault);
	if (peer_quote(p, &a) || !collateral_shelf_renew(d->shelf, p->quote->check))
		return;
	a.collateral = collateral_shelf_get(d->shelf, chain->root, &chain->platform, a.at,
					    &a.collateral_fault);
	(void)peer_quote(p, &a);
}

/* What costs nothing first: a quote that is for another key makes us fetch and compute nothing. */
static int is_for(const struct peer *p, const struct verifier_request *q, struct err *e)
{
	struct quote quote;

	if (quote_parse(p->evidence->quote, p->evidence->n_quote, &quote) != QUOTE_OK)
		return err_set(e, ERR_PROTO, "quote.quote-form: it is no quote");
	if (quote.tee != QUOTE_TEE_TDX)
		return err_set(e, ERR_PROTO, "tdx: it is of an SGX enclave");
	if (!ratls_cert_is_bound(quote.td.report_data, q->key, q->n_key)) {
		return err_set(e, ERR_PROTO,
			       "report data mismatch: the quote is for another key than the one "
			       "that it came with");
	}
	return 0;
}

static int verify(struct verifier *v, struct desk *d, const struct verifier_request *q,
		  struct verified *ret, struct err *e)
{
	struct peer_verify_args a = { .key = q->key,
				      .n_key = q->n_key,
				      .is_booting = q->is_booting,
				      .wants_boot_mr = q->wants_boot_mr };
	auto_free struct measurement *m = xnew(struct measurement);
	struct err why = ERR_NONE;
	int rc;

	verify_quote(v, d, ret->peer);
	if (!ret->peer->quote->check && image_shelf_measure(v->images, ret->peer, m, &why) == 0)
		a.measurement = m;
	a.measurement_fault = why.text;
	rc = peer_verify(ret->peer, &a, &ret->boot, NULL, e);
	a.wants_boot_mr = false;
	if (rc == 0 && q->wants_boot_mr)
		rc = peer_verify(ret->peer, &a, &ret->runtime, NULL, e);
	return rc;
}

int verifier_ask(struct verifier *v, const struct verifier_request *q, struct verified *ret,
		 struct err *e)
{
	struct verified made = { .peer = NULL };
	struct desk *d;
	int rc = peer_read(q->attestation, q->n_attestation, q->vm_config, &made.peer, e);

	if (rc == 0)
		rc = is_for(made.peer, q, e);
	if (rc == 0) {
		d = take_desk(v);
		rc = verify(v, d, q, &made, e);
		give_desk(v, d);
	}
	if (rc < 0) {
		verified_deinit(&made);
		return rc;
	}
	*ret = made;
	return 0;
}
