/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/leaf.h"

#include <limits.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "crypto/pem.h"

DEFINE_AUTO(X509 *, cert, X509_free);
DEFINE_AUTO(BIO *, bio, BIO_vfree);
#define auto_cert __attribute__((cleanup(auto_cert_fn)))
#define auto_bio  __attribute__((cleanup(auto_bio_fn)))

static int read_leaf(const void *pem, size_t n, X509 **ret, struct err *e)
{
	auto_bio BIO *b = n <= INT_MAX ? BIO_new_mem_buf(pem, (int)n) : NULL;

	if (b && pem_next_certificate(b, ret) == 1)
		return 0;
	ERR_clear_error();
	return err_set(e, ERR_INPUT, "there is no certificate in PEM that can be read");
}

int leaf_dates(const void *pem, size_t n, struct leaf_dates *ret, struct err *e)
{
	auto_cert X509 *c = NULL;
	struct tm from, until;
	int rc = read_leaf(pem, n, &c, e);

	if (rc)
		return rc;
	if (ASN1_TIME_to_tm(X509_get0_notBefore(c), &from) != 1 ||
	    ASN1_TIME_to_tm(X509_get0_notAfter(c), &until) != 1) {
		ERR_clear_error();
		return err_set(e, ERR_INPUT, "the certificate has no dates that can be read");
	}
	ret->from = timegm(&from);
	ret->until = timegm(&until);
	return 0;
}

int leaf_spki(const void *pem, size_t n, struct buf *ret, struct err *e)
{
	auto_cert X509 *c = NULL;
	uint8_t *der = NULL;
	int n_der, rc = read_leaf(pem, n, &c, e);

	if (rc)
		return rc;
	n_der = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(c), &der);
	if (n_der <= 0) {
		ERR_clear_error();
		return err_set(e, ERR_INPUT, "the certificate has no key that can be read");
	}
	rc = buf_add(ret, der, (size_t)n_der);
	OPENSSL_free(der);
	return rc;
}
