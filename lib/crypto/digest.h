/* SPDX-License-Identifier: Apache-2.0 */
/*
 * digest: SHA-256 and SHA-384 as values whose size is their type
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

struct digest256 {
	uint8_t b[32];
};

struct digest384 {
	uint8_t b[48];
};

struct digest_part {
	const void *p;
	size_t n;
};

/* Digest of the parts, one after the other.  Cannot fail on OpenSSL 3 with the default provider. */
struct digest256 digest256_of(const struct digest_part *parts, size_t n_parts);
struct digest384 digest384_of(const struct digest_part *parts, size_t n_parts);

static inline struct digest256 digest256_bytes(const void *p, size_t n)
{
	const struct digest_part part = { p, n };

	return digest256_of(&part, 1);
}

static inline struct digest384 digest384_bytes(const void *p, size_t n)
{
	const struct digest_part part = { p, n };

	return digest384_of(&part, 1);
}

/* SHA-384 of bytes that come one after the other; digest384_end() frees it.  Neither can fail. */
struct digest384_run;
struct digest384_run *digest384_begin(void);
void digest384_add(struct digest384_run *run, const void *p, size_t n);
struct digest384 digest384_end(struct digest384_run *run);

/* SHA-256 of all that can be read from @fd (borrowed), from its current offset. */
int digest256_fd(int fd, struct digest256 *ret, struct err *e);

/* SHA-384 of the same, and how many bytes that were. */
int digest384_fd(int fd, struct digest384 *ret, uint64_t *ret_size, struct err *e);
