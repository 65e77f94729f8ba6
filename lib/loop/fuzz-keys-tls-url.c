/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-keys-tls-url: any text is a URL with a host and a port, or is refused
 *
 * Input    the text.
 */
#undef NDEBUG
#include "loop/tls_url.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { URL_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	char url[URL_MAX + 1] = "";
	struct tls_url u;
	size_t i;

	memcpy(url, data, n < URL_MAX ? n : URL_MAX);
	if (tls_url_parse(url, &u, NULL) < 0)
		return 0;
	assert(u.port > 0 && strlen(u.host) > 0 && strlen(u.host) <= TLS_URL_HOST_MAX);
	for (i = 0; u.host[i]; i++)
		assert(u.host[i] > ' ' && u.host[i] < 0x7f && !strchr("/?#@[]%", u.host[i]));
	assert(strstr(url, u.host)); /* nothing that was not said */
	return 0;
}
