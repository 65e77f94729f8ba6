/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/config_check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "base/str.h"
#include "gateway/config.h"
#include "loop/listen.h"
#include "wire/client_hello.h"

int config_check_domain(const char *text, struct err *e)
{
	char host[CLIENT_HELLO_HOST_MAX + 1];
	size_t n = 0;

	if (client_hello_host(text, strlen(text), host, &n) && str_equal(host, text))
		return 0;
	return err_set(e, ERR_INPUT,
		       "\"%s\" is not a domain; write it in lower case, as apps.example.com", text);
}

int config_check_absolute(const char *text, struct err *e)
{
	if (*text == '/')
		return 0;
	return err_set(e, ERR_INPUT, "\"%s\" is not an absolute path", text);
}

int config_check_endpoint(const char *text, struct err *e)
{
	struct sockaddr_storage a;

	if (listen_parse_tcp(text, &a, NULL) == 0)
		return 0;
	return err_set(e, ERR_INPUT,
		       "\"%s\" is not an address and a port; write 0.0.0.0:443 or \"[::]:443\"",
		       text);
}

int config_check_prefix(const char *text, struct err *e)
{
	if (strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-_") == strlen(text))
		return 0;
	return err_set(e, ERR_INPUT, "\"%s\" is not one label of a-z, 0-9, - and _", text);
}

int config_read_network(const char *text, struct gw_network *ret, struct err *e)
{
	const char *slash = strchr(text, '/');
	char address[INET6_ADDRSTRLEN];
	struct gw_network n = { .is_v6 = strchr(text, ':') != NULL };
	uint32_t bits = n.is_v6 ? 128 : 32;
	size_t size = slash ? (size_t)(slash - text) : strlen(text);

	if (size >= sizeof(address))
		return err_set(e, ERR_INPUT, "\"%s\" is not a network; write 10.0.0.0/8", text);
	memcpy(address, text, size);
	address[size] = 0;
	if (inet_pton(n.is_v6 ? AF_INET6 : AF_INET, address, n.address) != 1 ||
	    (slash && num_parse_u32(slash + 1, 0, bits, &bits) < 0))
		return err_set(e, ERR_INPUT, "\"%s\" is not a network; write 10.0.0.0/8", text);
	n.bits = (uint8_t)bits;
	*ret = n;
	return 0;
}

int config_check_network(const char *text, struct err *e)
{
	struct gw_network n;

	return config_read_network(text, &n, e);
}
