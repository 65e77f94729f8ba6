/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-proc-text: input is any of the texts; what comes out is terminated and, for addresses, an address */
#include <arpa/inet.h>
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "guest-stub/proc_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_free char *text = strndup((const char *)p, n);
	char rows[4][PROC_ADDRESS_SIZE], model[96], value[16];
	struct proc_interface interfaces[3];
	struct proc_memory memory;
	struct in6_addr a;
	uint32_t loads[3];
	size_t i, found;

	if (!text)
		return 0;
	proc_memory_of(text, &memory);
	proc_loads_of(text, loads);
	(void)proc_uptime_of(text);
	(void)proc_cpus_of(text, model, sizeof(model));
	(void)proc_is_td(text);
	proc_os_release_of(text, "NAME", value, sizeof(value));
	assert(strnlen(model, sizeof(model)) < sizeof(model));
	assert(strnlen(value, sizeof(value)) < sizeof(value));
	assert(proc_interfaces_of(text, interfaces, 3) <= 3);
	assert(proc_gateways_of(text, rows, 4) <= 4);
	found = proc_nameservers_of(text, rows, 4);
	for (i = 0; i < found; i++)
		assert(inet_pton(AF_INET, rows[i], &a) == 1 ||
		       inet_pton(AF_INET6, rows[i], &a) == 1);
	return 0;
}
