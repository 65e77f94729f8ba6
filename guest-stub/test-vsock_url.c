/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/vsock_url.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

static void expect(const char *url, uint32_t cid, uint32_t port, const char *path)
{
	struct err e = ERR_NONE;
	struct vsock_url u;

	assert(vsock_url_parse(url, &u, &e) == 0);
	assert(u.cid == cid && u.port == port && str_equal(u.path, path));
}

static void test_parts(void)
{
	expect("vsock://2:10000/api", 2, 10000, "/api");
	expect("vsock://2:12000/api/", 2, 12000, "/api");
	expect("vsock://4294967295:1", 4294967295, 1, "");
	expect("vsock://2:1/", 2, 1, "");
	expect("vsock://2:1/a/b-c_d.e~f", 2, 1, "/a/b-c_d.e~f");
}

static void test_refused(void)
{
	static const char *const bad[] = {
		"",
		"vsock://",
		"vsock://2",
		"vsock://2/api",
		"vsock://:1/",
		"vsock://2:/",
		"vsock://2:4294967295/",
		"vsock://4294967296:1/",
		"vsock://2:10000x/api",
		"vsock://+2:1/",
		"vsock:// 2:1/",
		"vsock://2/:1",
		"http://2:10000/api",
		"vsock://2:1/a b",
		"vsock://2:1/a\r\nX: y",
		"vsock://2:1/a?b",
		"vsock://2:1/%41",
		"vsock://22222222222222222222:1/",
	};
	struct vsock_url u;
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		e = ERR_NONE;
		assert(vsock_url_parse(bad[i], &u, &e) == ERR_INPUT);
		assert(strstr(e.text, "is not a vsock URL"));
	}
}

static void test_long_path_is_refused(void)
{
	char url[64 + VSOCK_URL_PATH_SIZE];
	struct err e = ERR_NONE;
	struct vsock_url u;
	int head = str_format(url, sizeof(url), "vsock://2:1/");

	assert(head > 0);
	memset(url + head, 'a', VSOCK_URL_PATH_SIZE - 2);
	url[head + VSOCK_URL_PATH_SIZE - 2] = 0;
	assert(vsock_url_parse(url, &u, &e) == 0);
	url[head + VSOCK_URL_PATH_SIZE - 2] = 'a';
	url[head + VSOCK_URL_PATH_SIZE - 1] = 0;
	assert(vsock_url_parse(url, &u, &e) == ERR_INPUT);
}

int main(void)
{
	test_parts();
	test_refused();
	test_long_path_is_refused();
	return 0;
}
