/* SPDX-License-Identifier: Apache-2.0 */
/* Test gateway_place: what is a domain, what is a URL, and each form of an address. */
#include "data/gateway_place.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

#define ID "00112233445566778899aabbccddeeff00112233"

static void test_domains(void)
{
	static const char *const good[] = { "localhost", "bailey.localhost", "a-b.c_d.example",
					    "1.example", "x" };
	static const char *const bad[] = { "",	    ".",	   "a.",       ".a",  "a..b",
					   "A.b",   "a b",	   "10.0.2.2", "a/b", "a:443",
					   "*.a.b", "\xc3\xa4.de", "a\n.b" };
	char label[80], domain[GATEWAY_DOMAIN_MAX + 2];
	struct err e = ERR_NONE;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert(gateway_domain_check(good[i], &e) == 0);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert(gateway_domain_check(bad[i], &e) == ERR_INPUT);
	assert(strstr(e.text, "lower case") && !strchr(e.text, '\n'));
	memset(label, 'a', sizeof(label));
	label[63] = 0;
	assert(gateway_domain_check(label, &e) == 0);
	label[63] = 'a';
	label[64] = 0;
	assert(gateway_domain_check(label, &e) == ERR_INPUT);
	for (i = 0; i < sizeof(domain); i++)
		domain[i] = i % 2 ? '.' : 'a';
	domain[GATEWAY_DOMAIN_MAX - 1] = 0;
	assert(gateway_domain_check(domain, &e) == 0);
	domain[GATEWAY_DOMAIN_MAX - 1] = '.';
	domain[GATEWAY_DOMAIN_MAX + 1] = 0;
	assert(gateway_domain_check(domain, &e) == ERR_INPUT);
}

static void test_urls(void)
{
	static const char *const good[] = { "https://10.0.2.2:9012", "https://g.example",
					    "https://[::1]:1", "https://G.example:65535" };
	static const char *const bad[] = { "",
					   "http://g.example",
					   "https://",
					   "https://:1",
					   "https://g/",
					   "https://g?x",
					   "https://u@g",
					   "https://g:0",
					   "https://g:65536",
					   "https://g:1x",
					   "https://[::1",
					   "https://[]:1",
					   "https://g\n" };
	char text[GATEWAY_URL_MAX + 8] = "https://";
	struct err e = ERR_NONE;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert(gateway_url_check(good[i], &e) == 0);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert(gateway_url_check(bad[i], &e) == ERR_INPUT);
	memset(text + strlen(text), 'a', sizeof(text) - strlen(text));
	text[sizeof(text) - 1] = 0;
	assert(gateway_url_check(text, &e) == ERR_INPUT);
	text[GATEWAY_URL_MAX] = 0;
	assert(gateway_url_check(text, &e) == 0);
}

static const char *address(uint16_t app_port, uint16_t port)
{
	static char text[GATEWAY_ADDRESS_SIZE];

	assert(gateway_address(ID, app_port, "g.example", port, text, sizeof(text)) > 0);
	return text;
}

static void test_addresses(void)
{
	char small[20];

	assert(str_equal(address(80, 443), "https://" ID ".g.example"));
	assert(str_equal(address(8080, 443), "https://" ID "-8080.g.example"));
	assert(str_equal(address(80, 8443), "https://" ID ".g.example:8443"));
	assert(str_equal(address(65535, 65535), "https://" ID "-65535.g.example:65535"));
	assert(gateway_address(ID, 80, "g", 443, small, sizeof(small)) == -ENAMETOOLONG);
}

int main(void)
{
	test_domains();
	test_urls();
	test_addresses();
	return 0;
}
