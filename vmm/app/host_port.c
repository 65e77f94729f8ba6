/* SPDX-License-Identifier: Apache-2.0 */
#include "app/host_port.h"

#include <string.h>

#include <arpa/inet.h>

#include "base/err.h"
#include "base/num.h"
#include "base/str.h"

static int wrong(const char *text, struct err *e)
{
	return err_set(e, ERR_INPUT,
		       "\"%.80s\" is not an address and a port; write 127.0.0.1:18080", text);
}

static bool is_address(const char *s, int family)
{
	unsigned char bytes[16];

	return inet_pton(family, s, bytes) == 1;
}

int host_port_parse(const char *text, struct host_port *ret, struct err *e)
{
	struct host_port hp = { .address = "127.0.0.1" };
	const char *colon = strrchr(text, ':'), *digits = colon ? colon + 1 : text;
	char address[80];
	size_t n = colon ? (size_t)(colon - text) : 0;
	bool in_brackets = n > 1 && text[0] == '[' && text[n - 1] == ']';
	uint32_t port;

	if (num_parse_u32(digits, 1, 65535, &port) < 0 || n >= sizeof(address))
		return wrong(text, e);
	hp.port = (uint16_t)port;
	if (colon) {
		memcpy(address, text + in_brackets, n - 2 * (size_t)in_brackets);
		address[n - 2 * (size_t)in_brackets] = 0;
		if (!is_address(address, in_brackets ? AF_INET6 : AF_INET))
			return wrong(text, e);
		if (str_copy(hp.address, sizeof(hp.address), address) < 0)
			return wrong(text, e);
	}
	*ret = hp;
	return 0;
}

static bool is_any(const char *address)
{
	return str_equal(address, "0.0.0.0") || str_equal(address, "::");
}

bool host_port_clash(const struct host_port *a, const struct host_port *b)
{
	return a->port == b->port &&
	       (str_equal(a->address, b->address) || is_any(a->address) || is_any(b->address));
}
