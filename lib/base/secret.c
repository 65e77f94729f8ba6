/* SPDX-License-Identifier: Apache-2.0 */
#include "base/secret.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/buf.h"

void secret_wipe(void *p, size_t n)
{
	if (n > 0)
		explicit_bzero(p, n);
}

/* What the compiler cannot see through, it cannot leave early. */
static uint8_t opaque(uint8_t v)
{
	__asm__ volatile("" : "+r"(v));
	return v;
}

bool secret_equal(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;
	uint8_t differ = 0;
	size_t i;

	for (i = 0; i < n; i++)
		differ = opaque(differ | (x[i] ^ y[i]));
	return differ == 0;
}

bool secret_is_zero(const void *p, size_t n)
{
	const uint8_t *x = p;
	uint8_t any = 0;
	size_t i;

	for (i = 0; i < n; i++)
		any = opaque(any | x[i]);
	return any == 0;
}

void secret_random(void *p, size_t n)
{
	uint8_t *at = p;
	ssize_t got;

	while (n > 0) {
		got = getrandom(at, n, 0);
		if (got < 0 && errno != EINTR)
			abort(); /* no kernel that we run on */
		if (got > 0) {
			at += got;
			n -= (size_t)got;
		}
	}
}

void secret_wipe32(struct secret32 *s)
{
	secret_wipe(s->b, sizeof(s->b));
}

int secret_buf_init(struct buf *ret, size_t max)
{
	struct buf b = BUF_MAX(max);
	int rc = buf_reserve(&b, max);

	if (rc == 0)
		*ret = b;
	return rc;
}

void secret_buf_deinit(struct buf *b)
{
	if (b->p)
		secret_wipe(b->p, b->cap);
	buf_deinit(b);
}

void secret_str_free(char *s)
{
	if (s)
		secret_wipe(s, strlen(s));
	free(s);
}
