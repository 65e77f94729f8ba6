/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/tls_url.h"

#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "base/str.h"

enum { PORT_HTTP = 80, PORT_HTTPS = 443 };

static bool is_host_char(char c, bool is_ip6)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return is_ip6 ? c == ':' || c == '.' : c == '-' || c == '.' || c == '_';
}

/* @p of @n characters, all of them a host's. */
static int take_host(const char *p, size_t n, bool is_ip6, struct tls_url *ret)
{
	size_t i;

	if (n == 0 || n > TLS_URL_HOST_MAX)
		return -1;
	for (i = 0; i < n; i++) {
		if (!is_host_char(p[i], is_ip6))
			return -1;
	}
	memcpy(ret->host, p, n);
	ret->host[n] = 0;
	return 0;
}

/* ":8000", or nothing. */
static int take_port(const char *p, size_t n, struct tls_url *ret)
{
	char digits[6] = "";
	uint32_t port;

	if (n == 0) {
		ret->port = ret->is_tls ? PORT_HTTPS : PORT_HTTP;
		return 0;
	}
	if (p[0] != ':' || n - 1 >= sizeof(digits))
		return -1;
	memcpy(digits, p + 1, n - 1);
	if (num_parse_u32(digits, 1, UINT16_MAX, &port) < 0)
		return -1;
	ret->port = (uint16_t)port;
	return 0;
}

int tls_url_parse(const char *url, struct tls_url *ret, struct err *e)
{
	struct tls_url u = { .is_tls = str_starts(url, "https://") };
	const char *host = url + strlen(u.is_tls ? "https://" : "http://"), *end, *close;
	int rc;

	if (!u.is_tls && !str_starts(url, "http://"))
		return err_set(e, ERR_INPUT, "'%s' is not an http:// or https:// URL", url);
	end = host + strcspn(host, "/?#");
	if (*host == '[') {
		close = memchr(host, ']', (size_t)(end - host));
		rc = close ? take_host(host + 1, (size_t)(close - host - 1), true, &u) : -1;
		close = close ? close + 1 : end;
	} else {
		close = host + strcspn(host, ":/?#");
		rc = take_host(host, (size_t)(close - host), false, &u);
	}
	if (rc < 0 || take_port(close, (size_t)(end - close), &u) < 0)
		return err_set(e, ERR_INPUT, "'%s' does not name a host, with a port or without",
			       url);
	*ret = u;
	return 0;
}
