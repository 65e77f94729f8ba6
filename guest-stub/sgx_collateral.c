/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/sgx_collateral.h"

#include "base/err.h"
#include "base/time.h"
#include "data/sys_config.h"
#include "pccs/pccs_tls.h"

/* The new name of the key first; "" is as good as nothing. */
static const char *service(const struct sys_config *sys)
{
	if (sys->collateral_pccs && *sys->collateral_pccs)
		return sys->collateral_pccs;
	return sys->pccs_url && *sys->pccs_url ? sys->pccs_url : SGX_COLLATERAL_DEFAULT;
}

int sgx_collateral(void *arg, const struct quote *q, struct buf *ret, struct err *e)
{
	const struct pccs_args a = {
		.url = service(arg),
		.may_http = true, /* pccs_tls.h says why */
		.at = (int64_t)(time_unix_ms() / 1000),
		.timeout_ms = SGX_COLLATERAL_MS,
	};
	struct pccs_platform p;
	struct pccs_origin origin;
	int rc = pccs_platform_of(q, &p, e);

	if (rc == 0)
		rc = pccs_fetch_by(pccs_tls_get, NULL, &a, &p, ret, &origin, e);
	return rc < 0 ? err_wrap(e, rc, "asking %s", a.url) : 0;
}
