/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/gateway_answer.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include <jansson.h>

#include "base/base64.h"
#include "base/err.h"
#include "base/num.h"
#include "base/str.h"
#include "data/json.h"

enum { KEY_TEXT = 44 };

const char *gateway_answer_address(uint32_t address, char *dst, size_t size)
{
	(void)str_format(dst, size, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
			 address >> 8 & 255, address & 255);
	return dst;
}

bool gateway_answer_is_private(uint32_t a)
{
	return a >> 24 == 10 || a >> 20 == (172 << 4 | 1) || a >> 16 == (192 << 8 | 168) ||
	       a >> 22 == (100 << 2 | 1);
}

bool gateway_answer_is_endpoint(const uint8_t *ip, size_t n)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	static const uint8_t zeros[15] = { 0 };

	if (n == 4)
		return ip[0] != 0 && ip[0] != 127 && ip[0] < 224;
	/* neither :: nor ::1, no IPv4 in disguise, no group, no address that lacks its interface */
	return n == 16 && memcmp(ip, zeros, sizeof(zeros)) != 0 &&
	       memcmp(ip, mapped, sizeof(mapped)) != 0 && ip[0] != 0xff &&
	       !(ip[0] == 0xfe && (ip[1] & 0xc0) == 0x80);
}

/* "10.8.0.1", or "10.8.0.1/16" where a network may follow. */
static bool read_address(const char *text, bool may_have_bits, uint32_t *ret)
{
	const char *slash = may_have_bits ? strchr(text, '/') : NULL;
	char room[INET_ADDRSTRLEN];
	struct in_addr a;
	uint32_t bits;

	if (slash && num_parse_u32(slash + 1, 1, 32, &bits) < 0)
		return false;
	if (str_format(room, sizeof(room), "%.*s", slash ? (int)(slash - text) : INET_ADDRSTRLEN,
		       text) < 0 ||
	    inet_pton(AF_INET, room, &a) != 1)
		return false;
	*ret = ntohl(a.s_addr);
	return gateway_answer_is_private(*ret);
}

/* Letters, digits, dots, hyphens, underscores: what a resolver may be asked. */
static bool is_name(const char *s)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789.-_";

	return *s && strlen(s) <= GATEWAY_HOST_MAX && s[strspn(s, allowed)] == 0 && *s != '-' &&
	       *s != '.';
}

/* A name, or an address that packets may go to. */
static bool is_host(const char *s, bool is_bracketed)
{
	const char *last;
	uint8_t ip[16];

	if (is_bracketed)
		return inet_pton(AF_INET6, s, ip) == 1 && gateway_answer_is_endpoint(ip, 16);
	if (inet_pton(AF_INET, s, ip) == 1)
		return gateway_answer_is_endpoint(ip, 4);
	/* "0x7f.1", "2130706433" are forms of an address, too: a name's last label begins with a letter */
	last = strrchr(s, '.');
	last = last ? last + 1 : s;
	return is_name(s) && ((*last | 0x20) >= 'a' && (*last | 0x20) <= 'z');
}

/* "host:port", "[address]:port". */
static bool read_endpoint(const char *text, struct gateway_server *ret)
{
	bool is_bracketed = *text == '[';
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	uint32_t port;

	if (is_bracketed) {
		if (n < 2 || colon[-1] != ']')
			return false;
		text++;
		n -= 2;
	}
	if (n == 0 || n > GATEWAY_HOST_MAX || num_parse_u32(colon + 1, 1, UINT16_MAX, &port) < 0)
		return false;
	memcpy(ret->host, text, n);
	ret->host[n] = 0;
	ret->port = (uint16_t)port;
	return is_host(ret->host, is_bracketed);
}

static bool read_key(const char *text, uint8_t ret[static GATEWAY_KEY])
{
	uint8_t room[KEY_TEXT / 4 * 3], bits = 0;
	size_t i;

	if (strlen(text) != KEY_TEXT || base64_decode(room, text, KEY_TEXT) != GATEWAY_KEY)
		return false;
	for (i = 0; i < GATEWAY_KEY; i++)
		bits |= room[i];
	memcpy(ret, room, GATEWAY_KEY);
	return bits != 0;
}

static int read_server(const json_t *o, size_t i, struct gateway_server *ret, struct err *e)
{
	if (!read_key(json_get_str(o, "pk", ""), ret->key))
		return err_set(e, ERR_PROTO, "server %zu: pk is not 32 bytes in base64", i + 1);
	if (!read_address(json_get_str(o, "ip", ""), true, &ret->address))
		return err_set(e, ERR_PROTO,
			       "server %zu: ip is not an address of a private network", i + 1);
	if (!read_endpoint(json_get_str(o, "endpoint", ""), ret))
		return err_set(e, ERR_PROTO, "server %zu: endpoint is not a host and a port",
			       i + 1);
	return 0;
}

/* Two peers with one key, or with one address, would take each other's packets. */
static int check_once(const struct gateway_answer *a, struct err *e)
{
	const struct gateway_server *s = a->servers;
	size_t i, k;

	for (i = 0; i < a->n_servers; i++) {
		if (s[i].address == a->client)
			return err_set(e, ERR_PROTO, "server %zu has our own address", i + 1);
		for (k = 0; k < i; k++) {
			if (s[i].address == s[k].address ||
			    memcmp(s[i].key, s[k].key, GATEWAY_KEY) == 0) {
				return err_set(e, ERR_PROTO,
					       "servers %zu and %zu have the same key or address",
					       k + 1, i + 1);
			}
		}
	}
	return 0;
}

static int read_servers(const json_t *list, struct gateway_answer *ret, struct err *e)
{
	size_t n = json_array_size(list);
	int r = 0;

	if (n == 0)
		return err_set(e, ERR_PROTO, "it names no WireGuard server");
	if (n > GATEWAY_SERVERS_MAX)
		return err_set(e, ERR_LIMIT, "it names %zu WireGuard servers, at most %d", n,
			       GATEWAY_SERVERS_MAX);
	for (; r == 0 && ret->n_servers < n; ret->n_servers++)
		r = read_server(json_array_get(list, ret->n_servers), ret->n_servers,
				&ret->servers[ret->n_servers], e);
	return r ? r : check_once(ret, e);
}

static void read_agent(const json_t *o, struct gateway_answer *ret)
{
	const char *domain = json_get_str(o, "domain", "");
	uint64_t port = json_get_u64(o, "external_port", 0);

	if (is_name(domain))
		(void)str_copy(ret->domain, sizeof(ret->domain), domain);
	if (port <= UINT16_MAX)
		ret->external_port = (uint16_t)port;
}

static int read_all(const json_t *o, struct gateway_answer *ret, struct err *e)
{
	const json_t *wg = json_object_get(o, "wg");

	if (!read_address(json_get_str(wg, "client_ip", ""), false, &ret->client))
		return err_set(e, ERR_PROTO, "client_ip is not an address of a private network");
	read_agent(json_object_get(o, "agent"), ret);
	return read_servers(json_object_get(wg, "servers"), ret, e);
}

int gateway_answer_read(const void *p, size_t n, struct gateway_answer *ret, struct err *e)
{
	struct gateway_answer a = { .n_servers = 0 };
	json_auto_t *o = NULL;
	int r = json_parse(p, n, GATEWAY_ANSWER_MAX, "answer", &o, e);

	if (r == 0)
		r = read_all(o, &a, e);
	if (r < 0)
		return err_wrap(e, r == ERR_LIMIT ? r : ERR_PROTO, "the gateway's answer");
	*ret = a;
	return 0;
}
