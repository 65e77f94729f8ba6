/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/proxy_header.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/rd.h"

static const uint8_t signature[12] = { 0x0d, 0x0a, 0x0d, 0x0a, 0,   0x0d,
				       0x0a, 'Q',  'U',	 'I',  'T', 0x0a };

enum { V2_HEADER = 16, V2_INET = 12, V2_INET6 = 36, V2_UNIX = 216 };

/* Cut the next word off a line: up to one space, or to the line's end.  Return: its length, 0 for none. */
static size_t next_word(struct rd *r, char *dst, size_t size)
{
	const uint8_t *space = rd_left(r) ? memchr(r->p, ' ', rd_left(r)) : NULL;
	size_t n = space ? (size_t)(space - r->p) : rd_left(r);

	if (n == 0 || n >= size)
		return 0;
	(void)rd_copy(r, dst, n);
	dst[n] = 0;
	if (space)
		(void)rd_u8(r);
	return n;
}

static bool read_port(struct rd *r, uint16_t *ret)
{
	char word[6];
	size_t i, n = next_word(r, word, sizeof(word));
	uint32_t v = 0;

	if (n == 0 || (n > 1 && word[0] == '0'))
		return false;
	for (i = 0; i < n; i++) {
		if (word[i] < '0' || word[i] > '9')
			return false;
		v = v * 10 + (uint32_t)(word[i] - '0');
	}
	*ret = (uint16_t)v;
	return v <= UINT16_MAX;
}

/* "TCP4 source target port port" or "UNKNOWN anything", behind "PROXY ". */
static bool read_line(struct rd r, struct proxy_header *ret)
{
	char word[INET6_ADDRSTRLEN];
	int family;

	if (!next_word(&r, word, sizeof(word)))
		return false;
	if (strcmp(word, "UNKNOWN") == 0)
		return true;
	if (strcmp(word, "TCP4") == 0)
		ret->family = PROXY_INET;
	else if (strcmp(word, "TCP6") == 0)
		ret->family = PROXY_INET6;
	else
		return false;
	family = ret->family == PROXY_INET ? AF_INET : AF_INET6;
	if (!next_word(&r, word, sizeof(word)) || inet_pton(family, word, ret->source) != 1)
		return false;
	if (!next_word(&r, word, sizeof(word)) || inet_pton(family, word, ret->target) != 1)
		return false;
	/* a space behind the last port would be cut off with it */
	if (rd_left(&r) == 0 || r.end[-1] == ' ')
		return false;
	return read_port(&r, &ret->source_port) && read_port(&r, &ret->target_port) && rd_done(&r);
}

static enum proxy_verdict parse_v1(const uint8_t *p, size_t n, struct proxy_header *ret,
				   size_t *ret_n)
{
	static const char start[] = "PROXY ";
	const size_t n_start = sizeof(start) - 1;
	const size_t most = n < PROXY_HEADER_V1_MAX ? n : PROXY_HEADER_V1_MAX;
	struct proxy_header h = { .version = 1 };
	const uint8_t *lf;
	size_t n_line;

	if (memcmp(p, start, n < n_start ? n : n_start) != 0)
		return PROXY_REFUSED;
	lf = memchr(p, '\n', most);
	if (!lf)
		return n < PROXY_HEADER_V1_MAX ? PROXY_MORE : PROXY_REFUSED;
	n_line = (size_t)(lf - p);
	if (n_line < n_start + 1 || lf[-1] != '\r' || memchr(p, 0, n_line))
		return PROXY_REFUSED;
	if (!read_line(rd_over(p + n_start, n_line - 1 - n_start), &h))
		return PROXY_REFUSED;
	*ret = h;
	*ret_n = n_line + 1;
	return PROXY_FOUND;
}

/* The addresses, of which there may be more than we read: TLVs follow. */
static bool read_addresses(struct rd r, struct proxy_header *ret)
{
	static const size_t sizes[] = { 0, V2_INET, V2_INET6, V2_UNIX };
	const size_t n = ret->family == PROXY_INET ? 4 : 16;

	if (rd_left(&r) < sizes[ret->family])
		return false;
	if (ret->family == PROXY_UNSPEC || ret->family == PROXY_UNIX)
		return true;
	(void)rd_copy(&r, ret->source, n);
	(void)rd_copy(&r, ret->target, n);
	ret->source_port = rd_be16(&r);
	ret->target_port = rd_be16(&r);
	return !r.failed;
}

static enum proxy_verdict parse_v2(const uint8_t *p, size_t n, struct proxy_header *ret,
				   size_t *ret_n)
{
	struct proxy_header h = { .version = 2 };
	struct rd r = rd_over(p, n);
	uint8_t command, family;
	size_t size;

	if (memcmp(p, signature, n < sizeof(signature) ? n : sizeof(signature)) != 0)
		return PROXY_REFUSED;
	if (n < V2_HEADER)
		return PROXY_MORE;
	(void)rd_take(&r, sizeof(signature));
	command = rd_u8(&r);
	family = rd_u8(&r);
	size = rd_be16(&r);
	if (command >> 4 != 2 || (command & 15) > 1 || family >> 4 > 3 || (family & 15) > 2)
		return PROXY_REFUSED;
	if (V2_HEADER + size > PROXY_HEADER_MAX)
		return PROXY_REFUSED;
	if (rd_left(&r) < size)
		return PROXY_MORE;
	h.is_local = (command & 15) == 0;
	h.family = (enum proxy_family)(family >> 4);
	h.is_datagram = (family & 15) == 2;
	if (!read_addresses(rd_over(r.p, size), &h))
		return PROXY_REFUSED;
	*ret = h;
	*ret_n = V2_HEADER + size;
	return PROXY_FOUND;
}

enum proxy_verdict proxy_header_parse(const void *p, size_t n, struct proxy_header *ret,
				      size_t *ret_n)
{
	const uint8_t *first = p;

	if (n == 0)
		return PROXY_MORE;
	if (*first == 'P')
		return parse_v1(first, n, ret, ret_n);
	return parse_v2(first, n, ret, ret_n);
}

static size_t write_v1(const struct proxy_header *h, uint8_t *ret)
{
	int family = h->family == PROXY_INET ? AF_INET : AF_INET6, n;
	char source[INET6_ADDRSTRLEN], target[INET6_ADDRSTRLEN];
	char line[PROXY_HEADER_OUT_MAX];

	if (h->family == PROXY_UNSPEC || h->family == PROXY_UNIX) {
		n = snprintf(line, sizeof(line), "PROXY UNKNOWN\r\n");
	} else {
		(void)inet_ntop(family, h->source, source, sizeof(source));
		(void)inet_ntop(family, h->target, target, sizeof(target));
		n = snprintf(line, sizeof(line), "PROXY TCP%c %s %s %u %u\r\n",
			     family == AF_INET ? '4' : '6', source, target, h->source_port,
			     h->target_port);
	}
	memcpy(ret, line, (size_t)n);
	return (size_t)n;
}

static uint8_t *put(uint8_t *at, const void *p, size_t n)
{
	memcpy(at, p, n);
	return at + n;
}

static uint8_t *put_be16(uint8_t *at, unsigned int v)
{
	*at++ = (uint8_t)(v >> 8);
	*at++ = (uint8_t)v;
	return at;
}

size_t proxy_header_write(const struct proxy_header *h, uint8_t ret[static PROXY_HEADER_OUT_MAX])
{
	const bool is_ip = h->family == PROXY_INET || h->family == PROXY_INET6;
	const size_t n = h->family == PROXY_INET ? 4 : 16;
	uint8_t *at = ret;

	if (h->version == 1)
		return write_v1(h, ret);
	at = put(at, signature, sizeof(signature));
	*at++ = h->is_local ? 0x20 : 0x21;
	*at++ = is_ip ? (uint8_t)((unsigned int)h->family << 4 | (h->is_datagram ? 2U : 1U)) : 0;
	at = put_be16(at, is_ip ? (unsigned int)(2 * n + 4) : 0);
	if (is_ip) {
		at = put(at, h->source, n);
		at = put(at, h->target, n);
		at = put_be16(at, h->source_port);
		at = put_be16(at, h->target_port);
	}
	return (size_t)(at - ret);
}
