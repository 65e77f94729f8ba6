/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "daemon/api_origin.h"

static void test_names_that_are_ours(void)
{
	static const char *const names[] = { "vmm.example.com" };
	static const char *const ours[] = {
		"localhost", "LocalHost:80",	"127.0.0.1",	     "127.0.0.1:9080", "[::1]:9080",
		"[::1]",     "vmm.example.com", "VMM.example.com:1", "192.0.2.1:65535"
	};
	static const char *const others[] = {
		"",
		"evil.example",
		"localhost.evil.example",
		"127.0.0.1.evil.example",
		"localhost:",
		"localhost:x",
		"localhost:65536",
		"[::1",
		"[localhost]",
		"[::1]x",
		"::1",
		"127.1",
		"x.vmm.example.com",
		"localhost ",
		":80",
	};
	size_t i;

	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		assert(origin_host_is_local(ours[i], names, 1));
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert(!origin_host_is_local(others[i], names, 1));
	assert(origin_host_is_local(NULL, names, 1));
	assert(!origin_host_is_local("vmm.example.com", names, 0));
}

static void test_only_our_own_pages_may_change_something(void)
{
	assert(origin_is_same("h:1", NULL, NULL)); /* no browser */
	assert(origin_is_same("h:1", "http://h:1", NULL));
	assert(origin_is_same("h:1", "https://H:1", "same-origin"));
	assert(origin_is_same("h:1", NULL, "none"));
	assert(!origin_is_same("h:1", "http://h:2", NULL));
	assert(!origin_is_same("h:1", "http://evil.example", NULL));
	assert(!origin_is_same("h:1", "null", NULL));
	assert(!origin_is_same("h:1", "", NULL));
	assert(!origin_is_same(NULL, "http://h:1", NULL));
	assert(!origin_is_same("h:1", "http://h:1", "cross-site"));
	assert(!origin_is_same("h:1", NULL, "same-site"));
	assert(!origin_is_same("h:1", NULL, "Same-Origin"));
}

int main(void)
{
	test_names_that_are_ours();
	test_only_our_own_pages_may_change_something();
	return 0;
}
