/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "pccs/pccs_url.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "pccs/pccs.h"

static bool becomes(const char *given, const char *base)
{
	char url[PCCS_URL_MAX];

	return pccs_url_base(given, false, url, NULL) == 0 && str_equal(url, base);
}

static void test_what_operators_write(void)
{
	assert(becomes("https://pccs.example", "https://pccs.example"));
	assert(becomes("https://pccs.example:8081/", "https://pccs.example:8081"));
	assert(becomes("https://pccs.example/sgx/certification/v4/", "https://pccs.example"));
	assert(becomes("https://pccs.example/a/tdx/certification/v4", "https://pccs.example/a"));
	assert(becomes("http://localhost:8081", "http://localhost:8081"));
	assert(becomes("http://127.0.0.1:1", "http://127.0.0.1:1"));
	assert(becomes("http://[::1]:8081//", "http://[::1]:8081"));
}

static void test_what_is_refused(void)
{
	static const char *const urls[] = {
		"",
		"pccs.example",
		"ftp://pccs.example",
		"file:///etc/passwd",
		"HTTPS://pccs.example",
		"https://",
		"https:///sgx",
		"https://:8081",
		"https://user@pccs.example",
		"https://pccs.example/?a",
		"https://pccs.example/#a",
		"https://pccs.example/%2e",
		"https://pccs.example/ a",
		"https://pccs.example/\n",
		"https://pccs\\example",
		"http://pccs.example",
		"http://127.evil.example",
		"http://localhost.evil.example",
		"http://127.0.0.1@evil.example",
		"http://10.0.0.1",
		"http://[::1",
		"http://[::2]",
	};
	char url[PCCS_URL_MAX], text[PCCS_URL_MAX];
	struct err e = ERR_NONE;
	size_t i;

	for (i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
		if (pccs_url_base(urls[i], false, url, &e) != ERR_INPUT) {
			(void)fprintf(stderr, "taken: %s\n", urls[i]);
			assert(0);
		}
		assert(strstr(e.text, "https://HOST:PORT"));
	}
	memset(text, 'a', sizeof(text));
	memcpy(text, "https://", 8);
	text[sizeof(text) - 1] = 0;
	assert(pccs_url_base(text, false, url, &e) == ERR_INPUT);
}

static void test_http_elsewhere_must_be_asked_for(void)
{
	char url[PCCS_URL_MAX];
	struct err e = ERR_NONE;

	assert(pccs_url_base("http://pccs.example", false, url, &e) == ERR_INPUT);
	assert(strstr(e.text, "--allow-http"));
	assert(pccs_url_base("http://pccs.example", true, url, &e) == 0);
	assert(!pccs_url_is_loopback(url) && pccs_url_is_loopback("https://LOCALHOST:1"));
}

static bool part_is(const char *base, enum pccs_kind kind, bool is_tdx, const char *url)
{
	const struct pccs_platform p = { .is_tdx = is_tdx,
					 .is_processor_ca = !is_tdx,
					 .fmspc = { 0x00, 0x90, 0x6e, 0xd5, 0x00, 0xaf } };
	char got[PCCS_URL_MAX];

	return pccs_url_part(base, kind, &p, got, NULL) == 0 && str_equal(got, url);
}

#define SGX "https://p/sgx/certification/v4"
#define TDX "https://p/tdx/certification/v4"

static void test_addresses_of_parts(void)
{
	assert(part_is("https://p", PCCS_ROOT_CRL, true, SGX "/rootcacrl"));
	assert(part_is("https://p", PCCS_PCK_CRL, true, SGX "/pckcrl?ca=platform&encoding=der"));
	assert(part_is("https://p", PCCS_PCK_CRL, false, SGX "/pckcrl?ca=processor&encoding=der"));
	assert(part_is("https://p", PCCS_TCB_INFO, true, TDX "/tcb?fmspc=00906ed500af"));
	assert(part_is("https://p", PCCS_TCB_INFO, false, SGX "/tcb?fmspc=00906ed500af"));
	assert(part_is("https://p", PCCS_QE_IDENTITY, true, TDX "/qe/identity"));
	assert(part_is("https://p", PCCS_QE_IDENTITY, false, SGX "/qe/identity"));
	assert(part_is(PCCS_INTEL_URL, PCCS_ROOT_CRL, true,
		       "https://certificates.trustedservices.intel.com/IntelSGXRootCA.der"));
	assert(part_is(PCCS_INTEL_URL, PCCS_QE_IDENTITY, true,
		       PCCS_INTEL_URL "/tdx/certification/v4/qe/identity"));
}

int main(void)
{
	test_what_operators_write();
	test_what_is_refused();
	test_http_elsewhere_must_be_asked_for();
	test_addresses_of_parts();
	return 0;
}
