/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/registers.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "tee/event.h"

enum { NAME_SIZE = 16 };

static void name_of(char name[static NAME_SIZE], unsigned int index)
{
	(void)snprintf(name, NAME_SIZE, "rtmr%u:sha384", index);
}

static int read_one(void *ctx, unsigned int index, struct digest384 *ret, struct err *e)
{
	const struct registers *r = ctx;
	auto_buf struct buf b = { 0 };
	char name[NAME_SIZE];
	int n;

	name_of(name, index);
	n = file_read(r->dirfd, name, sizeof(ret->b), &b, e);
	if (n == -ENOENT) {
		memset(ret, 0, sizeof(*ret));
		return 0;
	}
	if (n < 0)
		return n;
	if (b.n != sizeof(ret->b))
		return err_set(e, ERR_CORRUPT, "register %s holds %zu bytes, not 48", name, b.n);
	memcpy(ret->b, b.p, sizeof(ret->b));
	return 0;
}

static int extend(void *ctx, unsigned int index, const struct digest384 *d, struct err *e)
{
	const struct registers *r = ctx;
	struct digest384 v;
	char name[NAME_SIZE];
	int n;

	n = read_one(ctx, index, &v, e);
	if (n < 0)
		return n;
	v = event_extend(&v, d);
	name_of(name, index);
	return file_replace(r->dirfd, name, 0600, v.b, sizeof(v.b), e);
}

struct tee registers_tee(struct registers *r)
{
	static const struct tee_ops ops = { .extend = extend, .read = read_one };

	return (struct tee){ .kind = TEE_NONE, .ops = &ops, .ctx = r };
}
