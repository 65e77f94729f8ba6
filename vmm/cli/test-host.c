/* SPDX-License-Identifier: Apache-2.0 */
/* Test host: what --host may say, and that nothing in it can become an option or another address. */
#undef NDEBUG
#include "cli/host.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

static void good(const char *text, enum host_kind kind, const char *user, const char *name,
		 unsigned int port, const char *path)
{
	struct err e = ERR_NONE;
	struct host h;

	if (host_parse(text, &h, &e) < 0)
		(void)fprintf(stderr, "%s: %s\n", text, e.text);
	assert(e.code == 0);
	assert(h.kind == kind && h.port == port);
	assert(str_equal(h.user, user) && str_equal(h.name, name) && str_equal(h.path, path));
}

static void bad(const char *text, const char *want)
{
	struct err e = ERR_NONE;
	struct host h;

	assert(host_parse(text, &h, &e) == ERR_INPUT);
	if (!strstr(e.text, want))
		(void)fprintf(stderr, "%s: %s\n", text, e.text);
	assert(strstr(e.text, want) && strstr(e.text, "write unix:/PATH"));
}

static void test_forms(void)
{
	static const char remote[] = "/run/bailey/baileyd.sock";

	good("unix:/a/b", HOST_UNIX, "", "", 0, "/a/b");
	good("unix:///a/b c", HOST_UNIX, "", "", 0, "/a/b c");
	good("ssh://h", HOST_SSH, "", "h", 0, remote);
	good("ssh://h/", HOST_SSH, "", "h", 0, "/");
	good("ssh://me@h.example:2222/x.sock", HOST_SSH, "me", "h.example", 2222, "/x.sock");
	good("ssh://me@[fe80::1]:22", HOST_SSH, "me", "fe80::1", 22, remote);
	good("tcp://127.0.0.1:8800", HOST_HTTP, "", "127.0.0.1", 8800, "");
	good("http://h:80/", HOST_HTTP, "", "h", 80, "");
	good("https://h", HOST_HTTP, "", "h", 443, "");
	good("https://[::1]:8443", HOST_HTTP, "", "::1", 8443, "");
}

static void test_nothing_becomes_an_option(void)
{
	bad("ssh://-oProxyCommand=id", "the name");
	bad("ssh://-v", "the name");
	bad("ssh://-l@h", "the user");
	bad("ssh://h/-x%h", "the path may have");
	bad("ssh://h/a:b", "the path may have");
	bad("ssh://h/a b", "the path may have");
	bad("ssh://h/$HOME", "the path may have");
	bad("ssh://a@b@c", "the name");
	bad("ssh://a b", "the name");
	bad("ssh://a;b", "the name");
	bad("tcp://a@b:1", "the name");
	bad("tcp://a?b:1", "the name");
}

static void test_mistakes(void)
{
	char path[160] = "unix:/";

	bad("", "does not say how");
	bad("h", "does not say how");
	bad("ftp://h", "does not say how");
	bad("unix:a", "begins with a slash");
	memset(path + 6, 'a', 120);
	bad(path, "too long");
	bad("ssh://", "the name");
	bad("ssh://h:0", "the port is a number");
	bad("ssh://h:65536", "the port is a number");
	bad("ssh://h:", "the port is a number");
	bad("ssh://h:22x", "the port is a number");
	bad("tcp://h", "the port is missing");
	bad("tcp://[::1", "in brackets");
	bad("tcp://[h]:1", "in brackets");
	bad("tcp://[::1]x", "after the brackets");
	bad("https://h/prpc", "no path may follow");
}

static void test_loopback(void)
{
	static const struct {
		const char *text;
		bool is;
	} cases[] = { { "tcp://127.0.0.1:1", true },	  { "tcp://127.9.9.9:1", true },
		      { "tcp://[::1]:1", true },	  { "tcp://localhost:1", true },
		      { "tcp://127.example:1", false },	  { "tcp://10.0.0.1:1", false },
		      { "tcp://localhost.evil:1", false } };
	struct host h;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert(host_parse(cases[i].text, &h, NULL) == 0);
		assert(host_is_loopback(&h) == cases[i].is);
	}
}

int main(void)
{
	test_forms();
	test_nothing_becomes_an_option();
	test_mistakes();
	test_loopback();
	return 0;
}
