/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secret: bytes that nobody else may learn: wiped after use, compared without a hint
 *
 * A secret has no printf format and no place in a struct err or a log line.
 *
 * Limits   what the compiler spilled or a system call copied is not reached; a struct buf that grows leaves its
 *	    old bytes behind, so secret_buf_init() makes one that never has to.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;

enum { SECRET_SIZE = 32 };

/* The usual one, so that its size is its type. */
struct secret32 {
	uint8_t b[SECRET_SIZE];
};

/* Overwrite @n bytes, also where nothing reads them any more.  Keeps errno. */
void secret_wipe(void *p, size_t n);

/* Are @n bytes the same?  Takes as long for any two: only @n may be seen from outside. */
bool secret_equal(const void *a, const void *b, size_t n);

/* Are all @n bytes 0?  As secret_equal(). */
bool secret_is_zero(const void *p, size_t n);

/* Fill with random bytes of the kernel's.  Cannot fail on a kernel that has getrandom(). */
void secret_random(void *p, size_t n);

/* struct secret32 that is wiped at the end of its scope: auto_secret struct secret32 key = ...; */
void secret_wipe32(struct secret32 *s);
#define auto_secret __attribute__((cleanup(secret_wipe32)))

/* An empty buffer with room for @max bytes, which are never moved.  Return: 0, -ENOMEM. */
int secret_buf_init(struct buf *ret, size_t max);

/* Wipe all the room of @b, then buf_deinit(). */
void secret_buf_deinit(struct buf *b);
#define auto_secret_buf __attribute__((cleanup(secret_buf_deinit)))

/* A heap string: wipe it to its 0, then free it; NULL is nothing. */
void secret_str_free(char *s);
static inline void secret_auto_str_fn(char **s)
{
	secret_str_free(*s);
}
#define auto_secret_str __attribute__((cleanup(secret_auto_str_fn)))
