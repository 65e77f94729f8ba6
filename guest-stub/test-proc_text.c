/* SPDX-License-Identifier: Apache-2.0 */
/* test-proc_text: against text as kernels and DHCP servers write it, and text that they should not */
#include "guest-stub/proc_text.h"

#include <assert.h>
#include <string.h>

#include "base/str.h"

static void test_memory(void)
{
	struct proc_memory m;

	proc_memory_of("MemTotal:         492036 kB\nMemFree:          411932 kB\n"
		       "MemAvailable:     425000 kB\nSwapTotal:             8 kB\n"
		       "SwapFree:              4 kB\nMemFreeX: 1 kB\n",
		       &m);
	assert(m.total == 492036ULL * 1024 && m.free == 411932ULL * 1024);
	assert(m.available == 425000ULL * 1024 && m.swap_total == 8192 && m.swap_free == 4096);
	proc_memory_of("MemTotal: 18446744073709551615 kB\nMemFree: x\nMemAvailable", &m);
	assert(m.total == 0 && m.free == 0 && m.available == 0);
}

static void test_loads_are_hundredths_cut(void)
{
	uint32_t v[3];

	proc_loads_of("0.05 1.20 12.349 1/77 1234\n", v);
	assert(v[0] == 5 && v[1] == 120 && v[2] == 1234);
	proc_loads_of("", v);
	assert(v[0] == 0 && v[1] == 0 && v[2] == 0);
	proc_loads_of("x.y 99999999999999.1 1", v);
	assert(v[0] == 0 && v[1] == 0 && v[2] == 0);
}

static void test_uptime(void)
{
	assert(proc_uptime_of("3661.99 7000.00\n") == 3661);
	assert(proc_uptime_of("") == 0);
}

static void test_cpus(void)
{
	char model[128];

	assert(proc_cpus_of("processor\t: 0\nmodel name\t: QEMU Virtual CPU version 2.5+\n"
			    "cpu MHz\t\t: 2599.998\n\nprocessor\t: 1\nmodel name\t: other\n"
			    "cpu MHz\t\t: 1.0\n",
			    model, sizeof(model)) == 2);
	assert(str_equal(model, "QEMU Virtual CPU version 2.5+ @2599 MHz"));
	assert(proc_cpus_of("", model, sizeof(model)) == 0);
}

static void test_td_is_a_flag_of_its_own(void)
{
	assert(proc_is_td("processor: 0\nflags\t\t: fpu tdx_guest vme\nbugs: x\n"));
	assert(proc_is_td("processor: 0\nflags\t\t: fpu tdx_guest\nbugs: x\n"));
	assert(proc_is_td("processor: 0\nflags\t\t: fpu tdx_guest"));
	assert(!proc_is_td("processor: 0\nflags\t\t: fpu tdx_guest_x xtdx_guest\n"));
	assert(!proc_is_td("processor: 0\nflags\t\t: fpu\nmodel name: a tdx_guest\n"));
	assert(!proc_is_td("") && !proc_is_td("\nflags"));
}

static void test_os_release(void)
{
	static const char text[] = "NAME=\"Bailey guest\"\nVERSION_ID='0.6.0'\nID=bailey\nX=\"\n";
	char v[32];

	proc_os_release_of(text, "NAME", v, sizeof(v));
	assert(str_equal(v, "Bailey guest"));
	proc_os_release_of(text, "VERSION_ID", v, sizeof(v));
	assert(str_equal(v, "0.6.0"));
	proc_os_release_of(text, "ID", v, sizeof(v));
	assert(str_equal(v, "bailey"));
	proc_os_release_of(text, "X", v, sizeof(v));
	assert(str_equal(v, "\""));
	proc_os_release_of(text, "VERSION", v, sizeof(v));
	assert(str_equal(v, ""));
}

static void test_interfaces(void)
{
	static const char text[] =
		"Inter-|   Receive                                                |  Transmit\n"
		" face |bytes    packets errs drop fifo frame compressed multicast|bytes\n"
		"    lo:     100       1    0    0    0     0          0         0      100\n"
		"  eth0: 1000 2 3 4 5 6 7 8 9000 10 11 12 13 14 15 16\n"
		"a-name-much-too-long: 1\n";
	struct proc_interface rows[4];

	assert(proc_interfaces_of(text, rows, 4) == 2);
	assert(str_equal(rows[0].name, "lo") && rows[0].rx_bytes == 100);
	assert(str_equal(rows[1].name, "eth0") && rows[1].rx_bytes == 1000);
	assert(rows[1].rx_errors == 3 && rows[1].tx_bytes == 9000 && rows[1].tx_errors == 11);
	assert(proc_interfaces_of(text, rows, 1) == 1);
}

static void test_gateways(void)
{
	char rows[2][PROC_ADDRESS_SIZE];

	assert(proc_gateways_of("Iface\tDestination\tGateway \tFlags\n"
				"eth0\t00000000\t0202000A\t0003\t0\t0\t0\t00000000\n"
				"eth0\t0002000A\t00000000\t0001\t0\t0\t0\t00FFFFFF\n",
				rows, 2) == 1);
	assert(str_equal(rows[0], "10.0.2.2"));
}

static void test_nameservers_are_addresses_only(void)
{
	char rows[4][PROC_ADDRESS_SIZE];

	assert(proc_nameservers_of("search x\nnameserver 10.0.2.3\n nameserver\tfec0::3 x\n"
				   "nameserver <script>\nnameserver\nnameserverx 1.1.1.1\n",
				   rows, 4) == 2);
	assert(str_equal(rows[0], "10.0.2.3") && str_equal(rows[1], "fec0::3"));
}

int main(void)
{
	test_td_is_a_flag_of_its_own();
	test_memory();
	test_loads_are_hundredths_cut();
	test_uptime();
	test_cpus();
	test_os_release();
	test_interfaces();
	test_gateways();
	test_nameservers_are_addresses_only();
	return 0;
}
