/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/host.h"

#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "base/str.h"

enum { PORT_HTTPS = 443, SHOWN = 80 };

static const char forms[] = "write unix:/PATH, ssh://[USER@]NAME[:PORT][/PATH], tcp://NAME:PORT or "
			    "https://NAME[:PORT]";

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

static int wrong(const char *text, const char *what, struct err *e)
{
	char shown[SHOWN];

	return err_set(e, ERR_INPUT, "\"%s\" is no host: %s; %s",
		       str_escape(shown, sizeof(shown), text, strlen(text)), what, forms);
}

/* Is @s made of letters, digits and @more, and does not begin like an option? */
static bool is_plain(const char *s, const char *more)
{
	size_t n;

	for (n = strlen(s); n; n--) {
		if (!strchr(letters, s[n - 1]) && !strchr(more, s[n - 1]))
			return false;
	}
	return *s && *s != '-';
}

/* [@s, @end) into @dst. */
static bool take(char *dst, size_t size, const char *s, const char *end)
{
	return str_format(dst, size, "%.*s", (int)(end - s), s) >= 0 &&
	       strlen(dst) == (size_t)(end - s);
}

/* "name", "name:7", "[::1]:7" in [@s, @end).  Return: NULL, or what is wrong. */
static const char *read_name(const char *s, const char *end, struct host *h)
{
	const char *close = NULL, *colon;
	char port[8];
	uint32_t n;

	if (s < end && *s == '[') {
		close = memchr(s, ']', (size_t)(end - s));
		if (!close || !take(h->name, sizeof(h->name), s + 1, close) ||
		    strspn(h->name, "0123456789abcdefABCDEF:.") != strlen(h->name) ||
		    !strchr(h->name, ':'))
			return "the address in brackets is none";
		colon = close + 1;
		if (colon < end && *colon != ':')
			return "after the brackets comes a port";
	} else {
		colon = memchr(s, ':', (size_t)(end - s));
		colon = colon ? colon : end;
		if (!take(h->name, sizeof(h->name), s, colon) || !is_plain(h->name, "._-"))
			return "the name may have letters, digits, dots and dashes";
	}
	if (colon >= end)
		return NULL;
	if (!take(port, sizeof(port), colon + 1, end) || num_parse_u32(port, 1, UINT16_MAX, &n) < 0)
		return "the port is a number from 1 to 65535";
	h->port = (uint16_t)n;
	return NULL;
}

static const char *read_unix(const char *s, struct host *h)
{
	h->kind = HOST_UNIX;
	if (str_starts(s, "//"))
		s += 2;
	if (*s != '/')
		return "the path begins with a slash";
	return str_copy(h->path, sizeof(h->path), s) < 0 ? "the path is too long for a socket"
							 : NULL;
}

static const char *read_ssh(const char *s, struct host *h)
{
	const char *slash = strchrnul(s, '/'), *at = memchr(s, '@', (size_t)(slash - s));

	h->kind = HOST_SSH;
	if (at && (!take(h->user, sizeof(h->user), s, at) || !is_plain(h->user, "._-")))
		return "the user may have letters, digits, dots and dashes";
	if (str_copy(h->path, sizeof(h->path), *slash ? slash : "/run/bailey/baileyd.sock") < 0)
		return "the path is too long for a socket";
	/* in the argument of ssh's -L, a colon divides and a percent sign is replaced */
	if (!is_plain(h->path, "/._-+@"))
		return "the path may have letters, digits, slashes and ._-+@";
	return read_name(at ? at + 1 : s, slash, h);
}

static const char *read_http(const char *s, bool is_tls, struct host *h)
{
	const char *slash = strchrnul(s, '/'), *what;

	h->kind = HOST_HTTP;
	h->is_tls = is_tls;
	if (*slash && slash[1])
		return "no path may follow";
	what = read_name(s, slash, h);
	if (!what && !h->port && !is_tls)
		return "the port is missing";
	if (!h->port)
		h->port = PORT_HTTPS;
	return what;
}

int host_parse(const char *text, struct host *ret, struct err *e)
{
	struct host h = { .port = 0 };
	const char *what;

	if (str_starts(text, "unix:"))
		what = read_unix(text + 5, &h);
	else if (str_starts(text, "ssh://"))
		what = read_ssh(text + 6, &h);
	else if (str_starts(text, "tcp://"))
		what = read_http(text + 6, false, &h);
	else if (str_starts(text, "http://"))
		what = read_http(text + 7, false, &h);
	else if (str_starts(text, "https://"))
		what = read_http(text + 8, true, &h);
	else
		what = "it does not say how it is reached";
	if (what)
		return wrong(text, what, e);
	*ret = h;
	return 0;
}

bool host_is_loopback(const struct host *h)
{
	return str_equal(h->name, "localhost") || str_equal(h->name, "::1") ||
	       (str_starts(h->name, "127.") && strspn(h->name, "0123456789.") == strlen(h->name));
}
