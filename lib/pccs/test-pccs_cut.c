/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "pccs/pccs_cut.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"

static bool cuts(const char *text, const char *inner, const char *signature)
{
	struct pccs_cut c;

	return pccs_cut(text, strlen(text), "tcbInfo", &c) == 0 && c.n_text == strlen(inner) &&
	       memcmp(c.text, inner, c.n_text) == 0 && c.n_signature == strlen(signature) &&
	       memcmp(c.signature, signature, c.n_signature) == 0;
}

static bool refused(const char *text)
{
	struct pccs_cut c;

	return pccs_cut(text, strlen(text), "tcbInfo", &c) < 0;
}

static void test_the_bytes_come_as_they_are(void)
{
	assert(cuts("{\"tcbInfo\":{\"a\":1},\"signature\":\"ab\"}", "{\"a\":1}", "ab"));
	assert(cuts(" {\n\"signature\" : \"\" ,\t\"tcbInfo\": { \"b\" : [ ] , \"a\" : { } } }\r\n",
		    "{ \"b\" : [ ] , \"a\" : { } }", ""));
	assert(cuts(
		"{\"more\":[1,{\"signature\":\"no\"}],\"tcbInfo\":{},\"signature\":\"x\",\"n\":-1}",
		"{}", "x"));
}

static void test_brackets_in_texts_are_text(void)
{
	assert(cuts("{\"tcbInfo\":{\"a\":\"}\",\"}\\\"}\":\"\\\\\"},\"signature\":\"ab\"}",
		    "{\"a\":\"}\",\"}\\\"}\":\"\\\\\"}", "ab"));
	assert(cuts(
		"{\"x\":\"\\\"tcbInfo\\\":{}\",\"tcbInfo\":{\"tcbInfo\":{}},\"signature\":\"s\"}",
		"{\"tcbInfo\":{}}", "s"));
}

static void test_anything_else_is_refused(void)
{
	static const char *const texts[] = {
		"",
		"{",
		"[]",
		"{}",
		"{\"tcbInfo\":{}}",
		"{\"signature\":\"\"}",
		"{\"tcbInfo\":{},\"signature\":\"\"",
		"{\"tcbInfo\":{},\"signature\":\"\"}x",
		"{\"tcbInfo\":{},\"signature\":\"\"}}",
		"{\"tcbInfo\":{},\"signature\":\"",
		"{\"tcbInfo\":{,\"signature\":\"\"}",
		"{\"tcbInfo\":[],\"signature\":\"\"}",
		"{\"tcbInfo\":\"{}\",\"signature\":\"\"}",
		"{\"tcbInfo\":{},\"signature\":1}",
		"{\"tcbInfo\":{},\"tcbInfo\":{},\"signature\":\"\"}",
		"{\"tcbInfo\":{},\"signature\":\"\",\"signature\":\"\"}",
		"{\"tcbInfo\" {},\"signature\":\"\"}",
		"{\"tcbInfo\":,\"signature\":\"\"}",
		"{\"tcbInfo\":{} \"signature\":\"\"}",
		"{\"tcbInfo\":{},,\"signature\":\"\"}",
		"{\"tcbInfo\":{},\"signature\":\"\",}",
		"{\"tcbinfo\":{},\"signature\":\"\"}",
		"{\"enclaveIdentity\":{},\"signature\":\"\"}",
	};
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (!refused(texts[i])) {
			(void)fprintf(stderr, "not refused: %s\n", texts[i]);
			assert(0);
		}
	}
}

static void test_every_beginning_is_refused(void)
{
	static const char text[] = "{\"tcbInfo\":{\"a\":[1,\"\\\\\"]},\"signature\":\"ab\"}";
	struct pccs_cut c;
	size_t n;

	assert(pccs_cut(text, strlen(text), "tcbInfo", &c) == 0);
	for (n = 0; n < strlen(text); n++)
		assert(pccs_cut(text, n, "tcbInfo", &c) < 0);
}

static void test_depth_has_an_end(void)
{
	auto_buf struct buf b = BUF_MAX(1 << 20);
	struct pccs_cut c;
	int i;

	assert(buf_add_str(&b, "{\"tcbInfo\":{\"a\":") == 0);
	for (i = 0; i < 100000; i++)
		assert(buf_add_str(&b, "[") == 0);
	assert(pccs_cut((char *)b.p, b.n, "tcbInfo", &c) < 0);
}

int main(void)
{
	test_the_bytes_come_as_they_are();
	test_brackets_in_texts_are_text();
	test_anything_else_is_refused();
	test_every_beginning_is_refused();
	test_depth_has_an_end();
	return 0;
}
