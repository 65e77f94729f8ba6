/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-collateral: any bytes are a collateral or have a reason; what is read has all its parts
 *
 * Input    the JSON.
 */
#undef NDEBUG
#include "tee/collateral.h"

#include <assert.h>

#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct collateral c = COLLATERAL_NULL;
	struct err e = ERR_NONE;

	if (collateral_parse(data, n, &c, &e) < 0) {
		assert(*e.text);
		return 0;
	}
	assert(c.root_crl && c.pck_crl && c.tcb_info.text && c.qe_identity.text);
	assert(c.tcb_info.signer.n > 0 && c.qe_identity.signer.n > 0);
	(void)x509_chain_until(&c.tcb_info.signer);
	(void)x509_crl_until(c.root_crl);
	collateral_deinit(&c);
	collateral_deinit(&c);
	return 0;
}
