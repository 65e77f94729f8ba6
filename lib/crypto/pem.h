/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pem: the next certificate or key out of a PEM text; for the files of this folder
 *
 * Trusts   nothing: OpenSSL's own readers ask the terminal for a password when a text says that it is encrypted.
 */
#pragma once

#include <stdint.h>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

/* Return: 1 and *@ret, DER, for OPENSSL_free(); 0: none, for the reason that is in OpenSSL's queue of errors. */
int pem_certificate(BIO *b, uint8_t **ret, long *ret_n);

/* The same for "PRIVATE KEY"; the caller wipes it. */
int pem_private_key(BIO *b, uint8_t **ret, long *ret_n);

/* The same, read.  Return: 1 and *@ret, for X509_free(); 0: there is none; -1: it is broken. */
int pem_next_certificate(BIO *b, X509 **ret);

/* A private key of any kind, PKCS#8 or older; NULL: none without a password.  For EVP_PKEY_free(). */
EVP_PKEY *pem_any_key(BIO *b);
