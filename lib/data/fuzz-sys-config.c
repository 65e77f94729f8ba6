/* SPDX-License-Identifier: Apache-2.0 */
/* Input: .sys-config.json.  Property: what parses keeps the promises of the header. */
#include <assert.h>

#include "base/err.h"
#include "base/str.h"
#include "data/sys_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct sys_config *c = NULL;
	struct sys_host_api api;
	struct err e = ERR_NONE;
	size_t i;

	if (sys_config_parse(p, n, &c, &e) < 0) {
		assert(!c && e.code < 0 && str_starts(e.text, ".sys-config.json:"));
		return 0;
	}
	assert(n <= SYS_CONFIG_MAX && c->vm_config && (!c->mr_config || c->mr_config[0]));
	for (i = 0; i < c->kms_urls.n; i++)
		assert(c->kms_urls.p[i]);
	for (i = 0; i < c->gateway_urls.n; i++)
		assert(c->gateway_urls.p[i]);
	if (sys_config_host_api(c, &api, &e) == 0)
		assert(api.cid > 0 && api.port > 0 && (api.prefix[0] == 0 || api.prefix[0] == '/'));
	sys_config_free(c);
	return 0;
}
