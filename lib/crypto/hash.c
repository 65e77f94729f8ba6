/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/hash.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "base/err.h"
#include "base/str.h"
#include "crypto/keccak.h"

static const struct hash_row {
	const char *name;
	const EVP_MD *(*md)(void); /* NULL: keccak */
	int size;
} rows[] = {
	{ "sha256", EVP_sha256, 32 },	  { "sha384", EVP_sha384, 48 },
	{ "sha512", EVP_sha512, 64 },	  { "sha3-256", EVP_sha3_256, 32 },
	{ "sha3-384", EVP_sha3_384, 48 }, { "sha3-512", EVP_sha3_512, 64 },
	{ "keccak256", NULL, 32 },	  { "keccak384", NULL, 48 },
	{ "keccak512", NULL, 64 },
};

/* As in digest.c: a digest that cannot be computed leaves nothing to go on with. */
static void openssl_of(const EVP_MD *md, const struct digest_part *parts, size_t n, uint8_t *ret)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t i;

	if (!ctx || EVP_DigestInit_ex(ctx, md, NULL) != 1)
		abort();
	for (i = 0; i < n; i++) {
		if (EVP_DigestUpdate(ctx, parts[i].p, parts[i].n) != 1)
			abort();
	}
	if (EVP_DigestFinal_ex(ctx, ret, NULL) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
}

int hash_of(const char *name, const struct digest_part *parts, size_t n_parts,
	    uint8_t ret[static HASH_SIZE_MAX], struct err *e)
{
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!str_equal(name, rows[i].name))
			continue;
		if (rows[i].md)
			openssl_of(rows[i].md(), parts, n_parts, ret);
		else
			keccak_of(parts, n_parts, ret, (size_t)rows[i].size);
		return rows[i].size;
	}
	return err_set(e, ERR_INPUT, "invalid hash algorithm");
}
