/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/vsock_url.h"

#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "base/str.h"

#define SCHEME	   "vsock://"
#define PATH_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/"

enum { NUMBER_SIZE = 11 };

/* The number in @s up to its @n-th byte. */
static int number(const char *s, size_t n, uint32_t max, uint32_t *ret)
{
	char text[NUMBER_SIZE];

	if (str_format(text, sizeof(text), "%.*s", (int)(n < NUMBER_SIZE ? n : NUMBER_SIZE), s) < 0)
		return -1;
	return num_parse_u32(text, 0, max, ret);
}

static int path(const char *s, char ret[static VSOCK_URL_PATH_SIZE])
{
	size_t n = strlen(s);

	if (strspn(s, PATH_CHARS) != n)
		return -1;
	while (n > 0 && s[n - 1] == '/')
		n--;
	return n < VSOCK_URL_PATH_SIZE ? str_format(ret, VSOCK_URL_PATH_SIZE, "%.*s", (int)n, s)
				       : -1;
}

int vsock_url_parse(const char *url, struct vsock_url *ret, struct err *e)
{
	const char *cid = url + strlen(SCHEME), *colon, *slash;
	struct vsock_url u = { 0 };
	char shown[96];

	if (!str_starts(url, SCHEME))
		goto bad;
	colon = strchr(cid, ':');
	slash = strchrnul(cid, '/');
	if (!colon || colon > slash)
		goto bad;
	if (number(cid, (size_t)(colon - cid), UINT32_MAX, &u.cid) < 0 ||
	    number(colon + 1, (size_t)(slash - colon - 1), UINT32_MAX - 1,
		   /* VMADDR_PORT_ANY */ &u.port) < 0 ||
	    path(slash, u.path) < 0)
		goto bad;
	*ret = u;
	return 0;
bad:
	return err_set(e, ERR_INPUT, "\"%s\" is not a vsock URL; vsock://2:10000/api is one",
		       str_escape(shown, sizeof(shown), url, strlen(url)));
}
