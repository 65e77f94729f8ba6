/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "data/instance_info.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"

static struct instance_info good(const char *text)
{
	struct instance_info i;
	struct err e = ERR_NONE;

	assert(instance_info_parse(text, strlen(text), &i, &e) == 0);
	return i;
}

static void bad(const char *text, int code, const char *message)
{
	struct instance_info i;
	struct err e = ERR_NONE;
	int rc = instance_info_parse(text, strlen(text), &i, &e);

	if (rc != code || strcmp(e.text, message) != 0)
		(void)fprintf(stderr, "got %d: %s\nexpected %d: %s\n", rc, e.text, code, message);
	assert(rc == code && strcmp(e.text, message) == 0);
}

static void comes_back(const char *text)
{
	struct instance_info i = good(text);
	auto_free char *again = instance_info_text(&i);

	assert(strcmp(again, text) == 0);
}

static void test_texts_come_back(void)
{
	comes_back("{\"app_id\":\"434bc71340e4e07f64c528c878b99b62a2899939\"}");
	comes_back("{\"instance_id_seed\":\"abababababababababababababababababababab\",\"instance_"
		   "id\":"
		   "\"aa19dab95b0417f0791045eb2acafbbc0a840749\",\"app_id\":"
		   "\"1111111111111111111111111111111111111111\"}");
	comes_back("{\"instance_id_seed\":\"ab\",\"instance_id\":\"\",\"app_id\":\"11\"}");
}

static void test_every_key_may_be_absent(void)
{
	struct instance_info i = good("{\"instance_id\":\"0aFf\",\"more\":[1]}");

	assert(i.seed.n == 0 && i.app_id.n == 0);
	assert(i.instance_id.n == 2 && memcmp(i.instance_id.b, "\x0a\xff", 2) == 0);
	assert(good("{}").app_id.n == 0);
}

static void test_wrong_values(void)
{
	static char big[INSTANCE_INFO_MAX + 2], id[2 * INSTANCE_INFO_ID_MAX + 3];
	auto_free char *text = NULL;

	bad("[]", ERR_INPUT, ".instance_info: expected an object");
	bad("", ERR_INPUT, ".instance_info: empty, expected JSON");
	bad("{\"app_id\":\"0x11\"}", ERR_INPUT,
	    ".instance_info: app_id: expected bytes in hex, without 0x");
	bad("{\"app_id\":\"1\"}", ERR_INPUT,
	    ".instance_info: app_id: expected bytes in hex, without 0x");
	bad("{\"app_id\":null}", ERR_INPUT, ".instance_info: app_id: expected a string");
	bad("{\"instance_id\":7}", ERR_INPUT, ".instance_info: instance_id: expected a string");
	memset(big, ' ', INSTANCE_INFO_MAX + 1);
	bad(big, ERR_LIMIT, ".instance_info: too large: 10241 bytes, at most 10240");
	memset(id, 'a', 2 * INSTANCE_INFO_ID_MAX + 2);
	text = xasprintf("{\"instance_id_seed\":\"%s\"}", id);
	bad(text, ERR_INPUT, ".instance_info: instance_id_seed: 65 bytes, at most 64");
}

int main(void)
{
	test_texts_come_back();
	test_every_key_may_be_absent();
	test_wrong_values();
	return 0;
}
