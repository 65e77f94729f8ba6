/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "pccs/pccs_chain.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char out[PCCS_CHAIN_MAX];

static ssize_t decode(const char *text)
{
	return pccs_chain_decode(text, strlen(text), out);
}

static void test_what_is_encoded_becomes_text(void)
{
	assert(decode("-----BEGIN%20CERTIFICATE-----%0AMIIC%2BJDC%2f%3D%3D%0a") == 40);
	assert(strcmp(out, "-----BEGIN CERTIFICATE-----\nMIIC+JDC/==\n") == 0);
	assert(decode("") == 0 && !*out);
}

static void test_a_plus_is_a_plus(void)
{
	assert(decode("a+b") == 3 && strcmp(out, "a+b") == 0);
}

static void test_what_is_no_text_of_pem_is_refused(void)
{
	static const char *const texts[] = { "%",   "%4",  "a%4",  "%zz",    "%4g",
					     "% 1", "%-1", "%00",  "%1b[2J", "%7f",
					     "%80", "%ff", "\x1b", "\xc3",   "\x7f" };
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		assert(decode(texts[i]) == -EINVAL);
	assert(pccs_chain_decode("a\0b", 3, out) == -EINVAL);
	assert(pccs_chain_decode("%41", 2, out) == -EINVAL);
}

static void test_length_has_an_end(void)
{
	char *long_text = malloc(PCCS_CHAIN_MAX);

	assert(long_text);
	memset(long_text, 'a', PCCS_CHAIN_MAX);
	assert(pccs_chain_decode(long_text, PCCS_CHAIN_MAX, out) == -EMSGSIZE);
	assert(pccs_chain_decode(long_text, PCCS_CHAIN_MAX - 1, out) == PCCS_CHAIN_MAX - 1);
	free(long_text);
}

int main(void)
{
	test_what_is_encoded_becomes_text();
	test_a_plus_is_a_plus();
	test_what_is_no_text_of_pem_is_refused();
	test_length_has_an_end();
	return 0;
}
