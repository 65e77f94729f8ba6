/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/digest.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"

/* A digest that cannot be computed leaves nothing to go on with: abort, never a wrong value. */
static void must(int ok)
{
	if (ok != 1)
		abort();
}

/*
 * Fetched once: EVP_sha256() makes OpenSSL look for it each time.  What is fetched is never freed, and
 * the same for all threads.
 */
static EVP_MD *sha256, *sha384;

static void fetch(void)
{
	sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
	sha384 = EVP_MD_fetch(NULL, "SHA384", NULL);
	must(sha256 && sha384);
}

static void fetch_once(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, fetch);
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

	fetch_once();
	parts_digest(sha256, parts, n_parts, d.b);
	return d;
}

struct digest384 digest384_of(const struct digest_part *parts, size_t n_parts)
{
	struct digest384 d;

	fetch_once();
	parts_digest(sha384, parts, n_parts, d.b);
	return d;
}

struct digest384_run {
	EVP_MD_CTX *ctx;
};

struct digest384_run *digest384_begin(void)
{
	struct digest384_run *run = xnew(struct digest384_run);

	run->ctx = EVP_MD_CTX_new();
	must(run->ctx != NULL);
	must(EVP_DigestInit_ex(run->ctx, EVP_sha384(), NULL));
	return run;
}

void digest384_add(struct digest384_run *run, const void *p, size_t n)
{
	must(EVP_DigestUpdate(run->ctx, p, n));
}

struct digest384 digest384_end(struct digest384_run *run)
{
	struct digest384 d;

	must(EVP_DigestFinal_ex(run->ctx, d.b, NULL));
	EVP_MD_CTX_free(run->ctx);
	free(run);
	return d;
}

/* Into @ctx, which has begun.  Return: bytes, or a negative errno. */
static int64_t add_fd(EVP_MD_CTX *ctx, int fd)
{
	enum { CHUNK = 256 * 1024 };
	uint8_t *chunk = malloc(CHUNK);
	int64_t all = 0;
	ssize_t got;

	must(chunk != NULL);
	while ((got = fd_read_full(fd, chunk, CHUNK)) > 0) {
		must(EVP_DigestUpdate(ctx, chunk, (size_t)got));
		all += got;
	}
	free(chunk);
	return got < 0 ? got : all;
}

static int digest_fd(const EVP_MD *md, int fd, uint8_t *ret, uint64_t *ret_size, struct err *e)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int64_t n;

	must(ctx != NULL);
	must(EVP_DigestInit_ex(ctx, md, NULL));
	n = add_fd(ctx, fd);
	if (n >= 0) {
		must(EVP_DigestFinal_ex(ctx, ret, NULL));
		*ret_size = (uint64_t)n;
	}
	EVP_MD_CTX_free(ctx);
	return n < 0 ? err_errno(e, (int)-n, "cannot read") : 0;
}

int digest256_fd(int fd, struct digest256 *ret, struct err *e)
{
	uint64_t size;

	return digest_fd(EVP_sha256(), fd, ret->b, &size, e);
}

int digest384_fd(int fd, struct digest384 *ret, uint64_t *ret_size, struct err *e)
{
	return digest_fd(EVP_sha384(), fd, ret->b, ret_size, e);
}
