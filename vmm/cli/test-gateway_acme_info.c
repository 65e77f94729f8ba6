/* SPDX-License-Identifier: Apache-2.0 */
/* Test acme_info: the key that is asked for is found, and what has no form is told. */
#undef NDEBUG
#include "cli/acme_info.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

static const unsigned char key[] = { 0x30, 0x0a, 0xff };

static int find(const char *text, struct acme_key *ret, struct err *e)
{
	return acme_info_find(text, strlen(text), key, sizeof(key), ret, e);
}

static void test_the_first_of_that_key(void)
{
	struct acme_key k;

	assert(find("{\"account_uri\":\"\",\"quoted_hist_keys\":[7,{},{\"public_key\":\"300aff00\"}"
		    ","
		    "{\"public_key\":\"300AFF\",\"quote\":\"q\",\"attestation\":\"a\"},"
		    "{\"public_key\":\"300aff\",\"quote\":\"old\"}],\"hist_keys\":[]}",
		    &k, NULL) == 0);
	assert(str_equal(k.quote, "q") && str_equal(k.attestation, "a"));
	acme_key_deinit(&k);
	assert(find("{\"quoted_hist_keys\":[{\"public_key\":\"300aff\",\"quote\":7}]}", &k, NULL) ==
	       0);
	assert(!k.quote && !k.attestation);
	acme_key_deinit(&k);
}

static void test_others_are_refused(void)
{
	static const char *const bad[] = {
		"", "{", "[]", "{}", "7", "{\"quoted_hist_keys\":{}}", "{\"quoted_hist_keys\":null}"
	};
	static const char nothing[] = "{\"quoted_hist_keys\":[{\"public_key\":\"\"}]}";
	struct err e = ERR_NONE;
	struct acme_key k;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert(find(bad[i], &k, &e) == ERR_INPUT && *e.text);
	assert(find("{\"quoted_hist_keys\":[]}", &k, &e) == ERR_NOT_FOUND);
	assert(find("{\"quoted_hist_keys\":[{\"public_key\":\"300afe\"},{\"public_key\":\"xx0aff\"}"
		    "]}",
		    &k, &e) == ERR_NOT_FOUND);
	assert(strstr(e.text, "none of the 2"));
	/* no key is not every key */
	assert(acme_info_find(nothing, strlen(nothing), "", 0, &k, &e) == ERR_NOT_FOUND);
}

static void compose_is(const char *text, const char *want)
{
	char *got = acme_info_compose(text, strlen(text));

	assert((got == NULL) == (want == NULL) && (!got || str_equal(got, want)));
	free(got);
}

static void test_compose_of_an_agent(void)
{
	compose_is("{\"tcb_info\":\"{\\\"app_compose\\\":\\\"{}\\\"}\"}", "{}");
	compose_is("{\"tcb_info\":{\"app_compose\":\"c\"}}", "c");
	compose_is("{\"tcb_info\":\"\"}", NULL);
	compose_is("{\"tcb_info\":\"{\"}", NULL);
	compose_is("{\"tcb_info\":{\"app_compose\":7}}", NULL);
	compose_is("[]", NULL);
	compose_is("", NULL);
}

int main(void)
{
	test_the_first_of_that_key();
	test_others_are_refused();
	test_compose_of_an_agent();
	return 0;
}
