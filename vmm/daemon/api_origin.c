/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/api_origin.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/num.h"
#include "base/str.h"

enum { HOST_MAX = 253 };

/* The name or address of "name", "name:1", "[::1]:1".  Return: 0, or -1 if it is none of these. */
static int split(const char *host, char ret[static HOST_MAX + 1])
{
	bool is_v6 = *host == '[';
	const char *end = is_v6 ? strchr(host, ']') : strchrnul(host, ':');
	const char *from = host + is_v6;
	uint32_t port;

	if (!end || end == from || end - from > HOST_MAX)
		return -1;
	memcpy(ret, from, (size_t)(end - from));
	ret[end - from] = 0;
	end += is_v6;
	if (*end == ':')
		return num_parse_u32(end + 1, 0, UINT16_MAX, &port) ? -1 : 0;
	return *end ? -1 : 0;
}

bool origin_host_is_local(const char *host, const char *const *names, size_t n_names)
{
	char name[HOST_MAX + 1];
	uint8_t raw[16];
	size_t i;

	if (!host)
		return true;
	if (split(host, name))
		return false;
	if (*host == '[')
		return inet_pton(AF_INET6, name, raw) == 1;
	if (strcasecmp(name, "localhost") == 0 || inet_pton(AF_INET, name, raw) == 1)
		return true;
	for (i = 0; i < n_names; i++) {
		if (strcasecmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

bool origin_is_same(const char *host, const char *origin, const char *fetch_site)
{
	const char *at;

	if (fetch_site && !str_equal(fetch_site, "same-origin") && !str_equal(fetch_site, "none"))
		return false;
	if (!origin)
		return true;
	at = strstr(origin, "://");
	return at && host && strcasecmp(at + 3, host) == 0;
}
