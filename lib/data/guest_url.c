/* SPDX-License-Identifier: Apache-2.0 */
#include "data/guest_url.h"

#include <errno.h>
#include <string.h>

#include "base/str.h"

int guest_url_on_host(const char *url, char *dst, size_t size)
{
	const char *scheme = strstr(url, "://"), *host = scheme ? scheme + 3 : NULL, *rest;
	int n;

	if (!host || !str_starts(host, GUEST_URL_HOST))
		return str_copy(dst, size, url) < 0 ? -ENAMETOOLONG : 0;
	rest = host + strlen(GUEST_URL_HOST);
	if (*rest && *rest != ':' && *rest != '/')
		return str_copy(dst, size, url) < 0 ? -ENAMETOOLONG : 0;
	n = str_format(dst, size, "%.*s127.0.0.1%s", (int)(host - url), url, rest);
	return n < 0 ? n : 1;
}
