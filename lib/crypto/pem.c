/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pem.h"

#include <openssl/err.h>
#include <openssl/pem.h>

/* A certificate whose PEM wants a password is none: nobody is asked for it. */
/* NOLINTNEXTLINE(readability-non-const-parameter): as OpenSSL wants it */
static int no_password(char *buf, int size, int for_writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)for_writing;
	(void)arg;
	return -1;
}

int pem_certificate(BIO *b, uint8_t **ret, long *ret_n)
{
	return PEM_bytes_read_bio(ret, ret_n, NULL, PEM_STRING_X509, b, no_password, NULL) == 1;
}

int pem_private_key(BIO *b, uint8_t **ret, long *ret_n)
{
	return PEM_bytes_read_bio_secmem(ret, ret_n, NULL, PEM_STRING_PKCS8INF, b, no_password,
					 NULL) == 1;
}

int pem_next_certificate(BIO *b, X509 **ret)
{
	uint8_t *der = NULL;
	const uint8_t *at;
	unsigned long why;
	long n = 0;

	if (!pem_certificate(b, &der, &n)) {
		why = ERR_peek_last_error();
		ERR_clear_error();
		return ERR_GET_LIB(why) == ERR_LIB_PEM && ERR_GET_REASON(why) == PEM_R_NO_START_LINE
			       ? 0
			       : -1;
	}
	at = der;
	*ret = d2i_X509(NULL, &at, n);
	if (*ret && at != der + n) {
		X509_free(*ret);
		*ret = NULL;
	}
	OPENSSL_free(der);
	ERR_clear_error();
	return *ret ? 1 : -1;
}

EVP_PKEY *pem_any_key(BIO *b)
{
	EVP_PKEY *key = PEM_read_bio_PrivateKey(b, NULL, no_password, NULL);

	ERR_clear_error();
	return key;
}
