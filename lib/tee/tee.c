/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/tee.h"

#include <assert.h>

#include "base/err.h"

int tee_extend(const struct tee *t, unsigned int index, const struct digest384 *d, struct err *e)
{
	assert(index < TEE_RTMR_COUNT);
	return t->ops->extend(t->ctx, index, d, e);
}

int tee_read(const struct tee *t, unsigned int index, struct digest384 *ret, struct err *e)
{
	assert(index < TEE_RTMR_COUNT);
	return t->ops->read(t->ctx, index, ret, e);
}

const char *tee_kind_name(enum tee_kind kind)
{
	static const char *const names[TEE_KIND_COUNT] = { "none", "simulated", "tdx" };

	assert(kind < TEE_KIND_COUNT);
	return names[kind];
}

const char *tee_kind_meaning(enum tee_kind kind)
{
	static const char *const meanings[TEE_KIND_COUNT] = {
		"no TEE: not confidential, and nothing here proves what runs",
		"simulated TEE: not confidential, quotes are signed by a development root",
		"Intel TDX",
	};

	assert(kind < TEE_KIND_COUNT);
	return meanings[kind];
}
