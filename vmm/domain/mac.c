/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/mac.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"

enum { MAC_SIZE = 6, PREFIX_MAX = 3 };

/* "52:54:00" into bytes.  Return: how many, or negative. */
static int parse_prefix(const char *text, uint8_t out[static PREFIX_MAX])
{
	int n = 0;
	char hex[3];

	while (*text) {
		if (n == PREFIX_MAX || !isxdigit((unsigned char)text[0]) ||
		    !isxdigit((unsigned char)text[1]))
			return -1;
		hex[0] = text[0];
		hex[1] = text[1];
		hex[2] = 0;
		if (str_unhex(&out[n], 1, hex))
			return -1;
		n++;
		text += 2;
		if (*text == ':' && text[1])
			text++;
		else if (*text)
			return -1;
	}
	return n;
}

int mac_of(const char *vm_id, const char *prefix, size_t index, char ret[static MAC_TEXT_SIZE],
	   struct err *e)
{
	auto_free char *text = index ? xasprintf("%s:%zu", vm_id, index) : xstrdup(vm_id);
	struct digest256 h = digest256_bytes(text, strlen(text));
	uint8_t mac[MAC_SIZE];
	int n = parse_prefix(prefix ? prefix : "", mac);

	if (n < 0) {
		return err_set(e, ERR_INPUT,
			       "\"%s\" is not the start of a MAC address; write up to three bytes, "
			       "as 52:54:00",
			       prefix);
	}
	memcpy(mac + n, h.b, (size_t)(MAC_SIZE - n));
	mac[0] = (uint8_t)((mac[0] & 0xfe) | 0x02); /* unicast, locally administered */
	(void)snprintf(ret, MAC_TEXT_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
		       mac[3], mac[4], mac[5]);
	return 0;
}
