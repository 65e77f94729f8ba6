/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>

#include "base/str.h"
#include "daemon/status.h"

static void expect(bool removing, bool started, bool running, const char *word)
{
	const struct vm_facts f = { removing, started, running };

	assert(str_equal(vm_status_text(vm_status(f)), word));
}

int main(void)
{
	expect(false, false, false, "stopped");
	expect(false, false, true, "stopping");
	expect(false, true, false, "exited");
	expect(false, true, true, "running");
	expect(true, false, false, "removing");
	expect(true, false, true, "removing");
	expect(true, true, false, "removing");
	expect(true, true, true, "removing");
	return 0;
}
