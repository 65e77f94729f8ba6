/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "data/proto.h"

#include <assert.h>

#include "proto/agent.pb-c.h"
#include "proto/guest.pb-c.h"
#include "proto/host.pb-c.h"
#include "proto/vmm.pb-c.h"

static void test_optional_fields_can_be_set(void)
{
	Bailey__Vmm__UpdateVmRequest m = BAILEY__VMM__UPDATE_VM_REQUEST__INIT;

	assert(!proto_has(&m, vcpu));
	proto_set(&m, vcpu, 4);
	assert(proto_has(&m, vcpu) && m.vcpu == 4);
	assert(m.has_vcpu_case == BAILEY__VMM__UPDATE_VM_REQUEST__HAS_VCPU_VCPU);
	assert(!proto_has(&m, memory));
}

int main(void)
{
	test_optional_fields_can_be_set();
	return 0;
}
