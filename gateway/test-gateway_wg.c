/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "gateway/wg.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "gateway/register_rpc.h"
#include "proto/gateway.pb-c.h"
#include "rpc/rpc.h"

static const struct wg_options options = {
	.program = "/usr/bin/wg", .interface = "wg0", .private_key = "/k", .port = 51820
};

static void expect(const struct wg_argv *a, const char *text)
{
	auto_buf struct buf b = BUF_MAX(64 * 1024);
	size_t i;

	for (i = 0; a->argv[i]; i++)
		assert(buf_addf(&b, "%s%s", i ? " " : "", a->argv[i]) == 0);
	assert(strcmp((const char *)b.p, text) == 0);
}

static void test_arguments_are_as_wg_has_them(void)
{
	static const struct wg_change changes[WG_BATCH] = {
		{ .key = { 1 }, .address = 0x0a080002 },
		{ .key = { 255 }, .address = 0x0a080003, .is_removal = true },
	};
	static struct wg_argv a;
	size_t n = 0;

	wg_argv_make(&options, true, changes, 0, &a);
	expect(&a, "/usr/bin/wg set wg0 private-key /k listen-port 51820");
	wg_argv_make(&options, false, changes, 2, &a);
	expect(&a, "/usr/bin/wg set wg0 peer AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= "
		   "persistent-keepalive 25 allowed-ips 10.8.0.2/32 "
		   "peer /wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= remove");
	wg_argv_make(&options, true, changes, WG_BATCH, &a);
	while (a.argv[n])
		n++;
	assert(n < WG_ARGV_MAX);
}

static void test_calls_are_those_of_the_proto(void)
{
	struct err e = ERR_NONE;

	assert(rpc_check(&register_service, &bailey__gateway__gateway__descriptor, &e) == 0);
}

int main(void)
{
	test_arguments_are_as_wg_has_them();
	test_calls_are_those_of_the_proto();
	return 0;
}
