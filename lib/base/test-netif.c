/* SPDX-License-Identifier: Apache-2.0 */
/* Interfaces: the message that makes one, byte for byte; and made for real where a network of our own is allowed. */
#undef NDEBUG
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>

#include "base/err.h"
#include "base/netif.h"
#include "base/str.h"

static void test_a_message_is_as_the_kernel_reads_it(void)
{
	_Alignas(4) uint8_t m[NETIF_MESSAGE_MAX];
	static const char want[] = "3c000000100005060100000000000000"  /* header: 60 bytes */
				   "00000000000000000000000000000000"  /* ifinfomsg */
				   "0800030077673000"		       /* name wg0 */
				   "14001200"			       /* link info, 20 bytes */
				   "0e000100776972656775617264000000"; /* kind wireguard */
	char hex[2 * NETIF_MESSAGE_MAX + 1];
	int n = netif_message("wg0", "wireguard", m);

	assert(n > 0);
	str_hex(hex, m, (size_t)n);
	assert(str_equal(hex, want));
}

static void test_what_is_no_name_is_refused(void)
{
	_Alignas(4) uint8_t m[NETIF_MESSAGE_MAX];

	assert(netif_message("", "wireguard", m) == -EINVAL);
	assert(netif_message("sixteen-letters-", "wireguard", m) == -EINVAL);
	assert(netif_message("wg0", "", m) == -EINVAL);
	assert(netif_message("wg0", "sixteen-letters-", m) == -EINVAL);
	assert(netif_message("fifteen-letters", "fifteen-letters", m) > 0);
	assert(netif_set("sixteen-letters-", 1, 8, NULL) == -EINVAL);
	assert(netif_set("lo", 1, 0, NULL) == -EINVAL);
	assert(netif_set("lo", 1, 33, NULL) == -EINVAL);
}

static void assert_has(const char *name, const char *address, const char *mask)
{
	struct ifaddrs *all = NULL, *i;
	struct sockaddr_in in;
	char text[2][INET_ADDRSTRLEN] = { "", "" };

	assert(getifaddrs(&all) == 0);
	for (i = all; i; i = i->ifa_next) {
		if (!str_equal(i->ifa_name, name) || !i->ifa_addr ||
		    i->ifa_addr->sa_family != AF_INET)
			continue;
		assert(i->ifa_flags & IFF_UP);
		memcpy(&in, i->ifa_addr, sizeof(in));
		assert(inet_ntop(AF_INET, &in.sin_addr, text[0], sizeof(text[0])));
		memcpy(&in, i->ifa_netmask, sizeof(in));
		assert(inet_ntop(AF_INET, &in.sin_addr, text[1], sizeof(text[1])));
	}
	freeifaddrs(all);
	assert(str_equal(text[0], address) && str_equal(text[1], mask));
}

static void test_one_is_made_once(void)
{
	struct err e = ERR_NONE;
	int rc = netif_make("test0", "dummy", &e);

	assert(netif_make("test1", "no-such-kind", NULL) == -EOPNOTSUPP);
	if (rc == -EOPNOTSUPP)
		return; /* this kernel has none that costs nothing */
	assert(rc == 0 && if_nametoindex("test0"));
	assert(netif_make("test0", "dummy", NULL) == -EEXIST);
	assert(netif_set("test0", 0x0a080001, 16, &e) == 0);
	assert_has("test0", "10.8.0.1", "255.255.0.0");
	assert(netif_set("none0", 1, 8, NULL) < 0);
}

/* A new network's own is down, and has no address. */
static void test_what_is_not_set_up_is_told(void)
{
	struct err e = ERR_NONE;

	assert(!netif_is_bare("none0") && !netif_is_bare("sixteen-letters-"));
	assert(netif_is_bare("lo"));
	assert(netif_set("lo", 0x7f000001, 8, &e) == 0);
	assert_has("lo", "127.0.0.1", "255.0.0.0");
	assert(!netif_is_bare("lo"));
}

int main(void)
{
	test_a_message_is_as_the_kernel_reads_it();
	test_what_is_no_name_is_refused();
	if (unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0) {
		test_what_is_not_set_up_is_told();
		test_one_is_made_once();
	}
	return 0;
}
