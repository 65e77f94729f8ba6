/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "kms/service.h"

#include <assert.h>

#include "kms/admin.h"
#include "proto/kms.pb-c.h"
#include "rpc/rpc.h"

int main(void)
{
	assert(rpc_check(&service_kms, &bailey__kms__kms__descriptor, NULL) == 0);
	assert(service_kms.n_methods == bailey__kms__kms__descriptor.n_methods);
	assert(rpc_check(&admin_service, &bailey__kms__admin__descriptor, NULL) == 0);
	return 0;
}
