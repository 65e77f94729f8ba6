/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pem.h"

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
