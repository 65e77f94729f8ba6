/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "pccs/pccs_header.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define NAME "TCB-Info-Issuer-Chain"

static struct pccs_header header;

static void begin(void)
{
	memset(&header, 0, sizeof(header));
	header.name = NAME;
}

static int line(const char *text)
{
	return pccs_header_line(&header, text, strlen(text));
}

static void test_the_header_is_found(void)
{
	begin();
	assert(line("HTTP/1.1 200 OK") == 0 && line("Content-Type: a") == 0 && !*header.value);
	assert(line("tcb-info-ISSUER-chain: \t-----BEGIN%20 ") == 0);
	assert(str_equal(header.value, "-----BEGIN%20 "));
	assert(line("") == 0 && str_equal(header.value, "-----BEGIN%20 "));
}

static void test_its_old_name_will_do(void)
{
	begin();
	assert(line("SGX-" NAME ":a") == 0 && str_equal(header.value, "a"));
	header.name = "SGX-PCK-CRL-Issuer-Chain";
	header.value[0] = 0;
	assert(line("PCK-CRL-Issuer-Chain: a") == 0 && !*header.value);
	assert(line("SGX-SGX-PCK-CRL-Issuer-Chain: a") == 0 && !*header.value);
	assert(line("SGX-PCK-CRL-Issuer-Chain: a") == 0 && str_equal(header.value, "a"));
}

static void test_other_lines_are_not_it(void)
{
	begin();
	assert(line(NAME) == 0 && line(NAME " : a") == 0 && line(" " NAME ": a") == 0 &&
	       line("X-" NAME ": a") == 0 && line(NAME "s: a") == 0 && line("SGX-") == 0 &&
	       line("S") == 0 && line(":") == 0);
	assert(!*header.value && !header.is_bad);
}

static void test_a_later_answer_counts(void)
{
	begin();
	assert(line("HTTP/1.1 100 Continue") == 0 && line(NAME ": early") == 0);
	assert(line("HTTP/1.1 200 OK") == 0 && !*header.value);
	assert(line(NAME ": late") == 0 && str_equal(header.value, "late"));
}

static void test_what_is_bad(void)
{
	char *text = malloc(PCCS_HEADER_MAX + sizeof(NAME) + 1);

	begin();
	assert(line(NAME ": a") == 0 && line(NAME ": b") == -EINVAL && header.is_bad);
	begin();
	assert(pccs_header_line(&header, NAME ": a\0b", sizeof(NAME) + 4) == -EINVAL);
	begin();
	assert(text);
	memset(text, 'a', PCCS_HEADER_MAX + sizeof(NAME) + 1);
	memcpy(text, NAME ":", sizeof(NAME));
	assert(pccs_header_line(&header, text, sizeof(NAME) + PCCS_HEADER_MAX) == -EINVAL);
	begin();
	assert(pccs_header_line(&header, text, sizeof(NAME) + PCCS_HEADER_MAX - 1) == 0);
	assert(strlen(header.value) == PCCS_HEADER_MAX - 1);
	free(text);
}

static void test_none_is_wanted(void)
{
	memset(&header, 0, sizeof(header));
	assert(line(NAME ": a") == 0 && !*header.value);
}

int main(void)
{
	test_the_header_is_found();
	test_its_old_name_will_do();
	test_other_lines_are_not_it();
	test_a_later_answer_counts();
	test_what_is_bad();
	test_none_is_wanted();
	return 0;
}
