/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-keys-app-info: any bytes are an app info or are refused; what is read can be written and says the same again
 *
 * Input    the content of the extension.
 */
#undef NDEBUG
#include "tee/app_info.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void same(const struct app_info_bytes *a, const struct app_info_bytes *b)
{
	assert(a->n == b->n && (a->n == 0 || memcmp(a->p, b->p, a->n) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	auto_buf struct buf out = BUF_MAX(APP_INFO_SIZE_MAX);
	struct app_info a, b;
	size_t i;

	if (app_info_parse(data, n, &a) < 0)
		return 0;
	assert(app_info_write(&a, &out) == 0);
	assert(app_info_parse(out.p, out.n, &b) == 0);
	same(&a.app_id, &b.app_id);
	same(&a.mr_aggregated, &b.mr_aggregated);
	same(&a.key_provider_info, &b.key_provider_info);
	assert(a.has_init_scripts == b.has_init_scripts && a.n_init_scripts == b.n_init_scripts);
	for (i = 0; i < a.n_init_scripts; i++)
		same(&a.init_scripts[i], &b.init_scripts[i]);
	return 0;
}
