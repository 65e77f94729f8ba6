/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/digest.h"

#include <assert.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "base/err.h"
#include "base/fd.h"

/* A digest that cannot be computed leaves nothing to go on with: abort, never a wrong value. */
static void must(int ok)
{
	if (ok != 1)
		abort();
}

static void parts_digest(const EVP_MD *md, const struct digest_part *parts, size_t n_parts,
			 uint8_t *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t i;

	must(ctx != NULL);
	must(EVP_DigestInit_ex(ctx, md, NULL));
	for (i = 0; i < n_parts; i++)
		must(EVP_DigestUpdate(ctx, parts[i].p, parts[i].n));
	must(EVP_DigestFinal_ex(ctx, out, NULL));
	EVP_MD_CTX_free(ctx);
}

struct digest256 digest256_of(const struct digest_part *parts, size_t n_parts)
{
	struct digest256 d;

	parts_digest(EVP_sha256(), parts, n_parts, d.b);
	return d;
}

struct digest384 digest384_of(const struct digest_part *parts, size_t n_parts)
{
	struct digest384 d;

	parts_digest(EVP_sha384(), parts, n_parts, d.b);
	return d;
}

int digest256_fd(int fd, struct digest256 *ret, struct err *e)
{
	enum { CHUNK = 256 * 1024 };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *chunk = malloc(CHUNK);
	ssize_t got;

	must(ctx != NULL && chunk != NULL);
	must(EVP_DigestInit_ex(ctx, EVP_sha256(), NULL));
	while ((got = fd_read_full(fd, chunk, CHUNK)) > 0)
		must(EVP_DigestUpdate(ctx, chunk, (size_t)got));
	if (got == 0)
		must(EVP_DigestFinal_ex(ctx, ret->b, NULL));
	free(chunk);
	EVP_MD_CTX_free(ctx);
	return got < 0 ? err_errno(e, (int)-got, "cannot read") : 0;
}
