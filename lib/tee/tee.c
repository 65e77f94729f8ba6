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

static int no_tee(struct err *e)
{
	return err_set(e, ERR_MISSING,
		       "this guest runs on no TEE: there is nothing to vouch for it");
}

int tee_td(const struct tee *t, struct tee_td *ret, struct err *e)
{
	return t->ops->td ? t->ops->td(t->ctx, ret, e) : no_tee(e);
}

int tee_quote(const struct tee *t, const uint8_t *report_data, struct buf *ret, struct err *e)
{
	return t->ops->quote ? t->ops->quote(t->ctx, report_data, ret, e) : no_tee(e);
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
