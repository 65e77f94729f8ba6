/* SPDX-License-Identifier: Apache-2.0 */
#include "data/gateway_place.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "base/str.h"

#define LABEL "abcdefghijklmnopqrstuvwxyz0123456789-_"

enum { LABEL_MAX = 63 };

/* Labels with dots between them; the last is no number, as that would be an address. */
static bool is_domain(const char *text)
{
	const char *p = text;
	size_t n;

	for (;;) {
		n = strspn(p, LABEL);
		if (n == 0 || n > LABEL_MAX || (p[n] && p[n] != '.'))
			return false;
		if (!p[n])
			return strspn(p, "0123456789") < n && strlen(text) <= GATEWAY_DOMAIN_MAX;
		p += n + 1;
	}
}

int gateway_domain_check(const char *text, struct err *e)
{
	char shown[GATEWAY_DOMAIN_MAX];

	if (is_domain(text))
		return 0;
	return err_set(e, ERR_INPUT,
		       "\"%s\" is not a domain; write it in lower case, as apps.example.com",
		       str_escape(shown, sizeof(shown), text, strnlen(text, sizeof(shown) / 4)));
}

/* A name, an address, or one of IPv6 in brackets; what follows it. */
static const char *skip_host(const char *p)
{
	size_t n;

	if (*p == '[') {
		n = strspn(p + 1, "0123456789abcdefABCDEF:.");
		return n && p[n + 1] == ']' ? p + n + 2 : NULL;
	}
	n = strspn(p, LABEL "ABCDEFGHIJKLMNOPQRSTUVWXYZ.");
	return n ? p + n : NULL;
}

static bool is_url(const char *text)
{
	uint32_t port;
	const char *p;

	if (strlen(text) > GATEWAY_URL_MAX || !str_starts(text, "https://"))
		return false;
	p = skip_host(text + strlen("https://"));
	if (!p)
		return false;
	return !*p || (*p == ':' && num_parse_u32(p + 1, 1, UINT16_MAX, &port) == 0);
}

int gateway_url_check(const char *text, struct err *e)
{
	char shown[200];

	if (is_url(text))
		return 0;
	return err_set(e, ERR_INPUT, "\"%s\" is not a URL of a gateway; write https://HOST:PORT",
		       str_escape(shown, sizeof(shown), text, strnlen(text, sizeof(shown) / 4)));
}

int gateway_address(const char *id, uint16_t app_port, const char *domain, uint16_t port, char *dst,
		    size_t size)
{
	char of_app[8] = "", of_gateway[8] = "";

	if (app_port != GATEWAY_APP_PORT)
		(void)str_format(of_app, sizeof(of_app), "-%u", app_port);
	if (port != GATEWAY_CLIENT_PORT)
		(void)str_format(of_gateway, sizeof(of_gateway), ":%u", port);
	return str_format(dst, size, "https://%s%s.%s%s", id, of_app, domain, of_gateway);
}
