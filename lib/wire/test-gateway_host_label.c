/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "wire/host_label.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static void yes(const char *text, const char *id, uint16_t port, const char *flags)
{
	struct host_label l;

	assert(host_label_parse(text, strlen(text), &l) == HOST_LABEL_OK);
	assert(strcmp(l.id, id) == 0 && l.port == port);
	assert(l.is_passthrough == (*flags == 's') && l.is_h2 == (*flags == 'g'));
}

static void no(const char *text, enum host_label_verdict v)
{
	struct host_label l = { .port = 7 };

	assert(host_label_parse(text, strlen(text), &l) == v && l.port == 7);
	assert(host_label_verdict_text(v));
}

static void test_labels_of_the_grammar(void)
{
	yes("app", "app", 80, "");
	yes("app-8080", "app", 8080, "");
	yes("app-443s", "app", 443, "s");
	yes("app-8443s", "app", 8443, "s");
	yes("app-s", "app", 443, "s");
	yes("app-g", "app", 80, "g");
	yes("app-50051g", "app", 50051, "g");
	yes("apps", "apps", 80, "");
	yes("app-", "app", 80, "");
	yes("app-00080", "app", 80, "");
	yes("a_b", "a_b", 80, "");
	yes("3327603e03f5bd1f830812ca4a789277fc31f577-65535",
	    "3327603e03f5bd1f830812ca4a789277fc31f577", 65535, "");
}

static void test_labels_that_are_refused(void)
{
	no("", HOST_LABEL_NO_ID);
	no("-80", HOST_LABEL_NO_ID);
	no("-", HOST_LABEL_NO_ID);
	no("a b", HOST_LABEL_NO_ID);
	no("a.b", HOST_LABEL_NO_ID);
	no("\xc3\xa4", HOST_LABEL_NO_ID);
	no("app-1-2", HOST_LABEL_TOO_MANY);
	no("app--", HOST_LABEL_TOO_MANY);
	no("app-70000", HOST_LABEL_BAD_PORT);
	no("app-4294967376", HOST_LABEL_BAD_PORT);
	no("app-x", HOST_LABEL_BAD_PORT);
	no("app-0", HOST_LABEL_BAD_PORT);
	no("app-0s", HOST_LABEL_BAD_PORT);
	no("app-80gs", HOST_LABEL_BAD_PORT);
	no("app-80ss", HOST_LABEL_BAD_PORT);
	no("app-gg", HOST_LABEL_BAD_PORT);
	no("app-+80", HOST_LABEL_BAD_PORT);
	no("app-8 0", HOST_LABEL_BAD_PORT);
	no("app-80sg", HOST_LABEL_S_AND_G);
	no("app-sg", HOST_LABEL_S_AND_G);
}

static void test_ids_end_at_63_bytes(void)
{
	char text[65];

	memset(text, 'a', 64);
	text[64] = 0;
	no(text, HOST_LABEL_NO_ID);
	text[63] = 0;
	yes(text, text, 80, "");
}

static void txt(const char *text, size_t n, enum host_label_verdict v)
{
	struct host_label l = { .port = 7 };

	assert(host_label_parse_txt(text, n, &l) == v);
	assert((v == HOST_LABEL_OK) == (l.port != 7));
}

static void test_txt_answers(void)
{
	struct host_label l;

	assert(host_label_parse_txt("ABCdef01:8443", 13, &l) == HOST_LABEL_OK);
	assert(strcmp(l.id, "abcdef01") == 0 && l.port == 8443 && l.is_passthrough && !l.is_h2);
	txt("", 0, HOST_LABEL_NO_ID);
	txt(":443", 4, HOST_LABEL_NO_ID);
	txt("app", 3, HOST_LABEL_BAD_PORT);
	txt("app:", 4, HOST_LABEL_BAD_PORT);
	txt("app:0", 5, HOST_LABEL_BAD_PORT);
	txt("app:443s", 8, HOST_LABEL_BAD_PORT);
	txt("app:443:1", 9, HOST_LABEL_BAD_PORT);
	txt("app: 443", 8, HOST_LABEL_BAD_PORT);
	txt("a-b:443", 7, HOST_LABEL_NO_ID);
	txt("app\0:443", 8, HOST_LABEL_NO_ID);
	txt("app:443\n", 8, HOST_LABEL_BAD_PORT);
	txt("app:65535", 9, HOST_LABEL_OK);
}

int main(void)
{
	test_labels_of_the_grammar();
	test_labels_that_are_refused();
	test_ids_end_at_63_bytes();
	test_txt_answers();
	return 0;
}
