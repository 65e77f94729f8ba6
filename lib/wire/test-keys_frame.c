/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "wire/key_frame.h"

static int parse(const char *text, struct key_frame_answer *a)
{
	struct err e = ERR_NONE;
	char *copy = malloc(strlen(text) +
			    1); /* exactly as long, so that a sanitizer sees one byte more */
	int rc;

	assert(copy);
	/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): on purpose */
	memcpy(copy, text, strlen(text));
	rc = key_frame_answer(copy, strlen(text), a, &e);
	free(copy);
	assert(rc == 0 || (rc == ERR_PROTO && e.text[0]));
	return rc;
}

static void test_request_is_decimal_and_framed(void)
{
	static const uint8_t quote[] = { 0, 1, 9, 10, 99, 100, 255 };
	static const char json[] = "{\"quote\":[0,1,9,10,99,100,255]}";
	struct err e = ERR_NONE;
	struct buf b;

	assert(key_frame_request(&b, quote, sizeof(quote), &e) == 0);
	assert(b.n == 4 + strlen(json) && memcmp(b.p + 4, json, strlen(json)) == 0);
	assert(b.p[0] == 0 && b.p[1] == 0 && b.p[2] == 0 && b.p[3] == strlen(json));
	buf_deinit(&b);
	assert(key_frame_request(&b, "", 0, &e) == 0);
	assert(b.n == 16 && memcmp(b.p, "\0\0\0\14{\"quote\":[]}", 16) == 0);
	buf_deinit(&b);
}

static void test_quote_has_a_limit(void)
{
	static uint8_t quote[KEY_FRAME_QUOTE_MAX + 1];
	struct err e = ERR_NONE;
	struct buf b;
	size_t n;

	memset(quote, 255, sizeof(quote));
	assert(key_frame_request(&b, quote, sizeof(quote), &e) == ERR_LIMIT);
	assert(strcmp(e.text, "Quote is too long") == 0);
	assert(key_frame_request(&b, quote, sizeof(quote) - 1, &e) == 0);
	assert(key_frame_length(b.p, &n, &e) == 0 && n == b.n - 4);
	buf_deinit(&b);
}

static void test_length_has_limits(void)
{
	static const uint8_t none[4] = { 0 }, over[4] = { 0, 0x80, 0, 1 },
			     most[4] = { 0, 0x80, 0, 0 }, all[4] = { 255, 255, 255, 255 };
	struct err e = ERR_NONE;
	size_t n;

	assert(key_frame_length(none, &n, &e) == ERR_LIMIT);
	assert(key_frame_length(over, &n, &e) == ERR_LIMIT);
	assert(key_frame_length(all, &n, &e) == ERR_LIMIT);
	assert(key_frame_length(most, &n, &e) == 0 && n == KEY_FRAME_MAX);
}

static void test_answers_that_are_good(void)
{
	static const char nested[] = "{\"x\":{\"a\":[1,{\"b\":\"]}\\\"\"}]},"
				     "\"encrypted_key\":[1,2,255],\"provider_quote\":[0]}";
	static const char *const good[] = {
		"{\"encrypted_key\":[1,2,255],\"provider_quote\":[0]}",
		" { \"provider_quote\" : [ 0 ] , \"encrypted_key\" : [ 1 , 2 , 255 ] } \n",
		nested,
		"{\"encrypted_key\":[1,2,255],\"y\":-1.5e3,\"provider_quote\":[0],\"z\":\"\"}",
	};
	struct key_frame_answer a;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert(parse(good[i], &a) == 0);
		assert(a.encrypted_key.n == 3 && memcmp(a.encrypted_key.p, "\1\2\377", 3) == 0);
		assert(a.provider_quote.n == 1 && a.provider_quote.p[0] == 0);
		key_frame_answer_deinit(&a);
	}
	assert(parse("{\"encrypted_key\":[],\"provider_quote\":[]}", &a) == 0);
	assert(a.encrypted_key.n == 0);
	key_frame_answer_deinit(&a);
}

static void test_answers_that_are_not(void)
{
	static const char *const bad[] = {
		"",
		"{",
		"{}",
		"null",
		"[]",
		"{\"encrypted_key\":[1]}",
		"{\"encrypted_key\":[1],\"provider_quote\":[256]}",
		"{\"encrypted_key\":[1],\"provider_quote\":[1000]}",
		"{\"encrypted_key\":[1],\"provider_quote\":[-1]}",
		"{\"encrypted_key\":[1],\"provider_quote\":[01]}",
		"{\"encrypted_key\":[1],\"provider_quote\":[1.0]}",
		"{\"encrypted_key\":[1],\"provider_quote\":[1,]}",
		"{\"encrypted_key\":[1],\"provider_quote\":[,1]}",
		"{\"encrypted_key\":[1],\"provider_quote\":\"01\"}",
		"{\"encrypted_key\":[1],\"provider_quote\":[1]",
		"{\"encrypted_key\":[1],\"provider_quote\":[1]}x",
		"{\"encrypted_key\":[1],\"encrypted_key\":[1],\"provider_quote\":[1]}",
		"{\"encrypted_key\":[],\"encrypted_key\":[1],\"provider_quote\":[1]}",
		"{\"encrypted_key\":[1],\"provider_quote\":[1],}",
		"{\"encrypted_key\" [1],\"provider_quote\":[1]}",
		"{\"x\":[[[,\"encrypted_key\":[1],\"provider_quote\":[1]}",
		"{\"x\":\"\\",
		"{\"x\":",
		"{\"x",
	};
	char deep[200] = "{\"x\":";
	struct key_frame_answer a;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(parse(bad[i], &a) == ERR_PROTO);
	memset(deep + 5, '[', 100);
	assert(parse(deep, &a) == ERR_PROTO);
}

static int quote(const char *text, struct buf *b)
{
	struct err e = ERR_NONE;
	char *copy = xmemdup(text, strlen(text)); /* exactly as long */
	int rc = key_frame_quote(copy, strlen(text), b, &e);

	free(copy);
	assert(rc == 0 || e.text[0]);
	return rc;
}

static void test_quote_in_json(void)
{
	static const char *const good[] = { "{\"quote\":\"00fFA1\"}",
					    " { \"quote\" : \"0x0x00ffa1\" } ",
					    "{\"x\":[1,\"\"],\"quote\":\"00ffa1\",\"y\":null}" };
	static const char *const bad[] = { "",
					   "{",
					   "null",
					   "{\"quote\":\"0\"}",
					   "{\"quote\":\"0g\"}",
					   "{\"quote\":\"00\"",
					   "{\"quote\":\"00\"}}",
					   "{\"quote\":\"00",
					   "{\"quote\":00}",
					   "{\"quote\":\"\\u0030\\u0030\"}",
					   "{\"quote\":\"00\",}",
					   "{\"quote\":\"00\",\"quote\":\"00\"}" };
	struct buf b = BUF_MAX(0);
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert(quote(good[i], &b) == 0);
		assert(b.n == 3 && memcmp(b.p, "\0\377\241", 3) == 0);
		buf_deinit(&b);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(quote(bad[i], &b) == ERR_INPUT);
	assert(quote("{}", &b) == 0 && b.n == 0);
	assert(quote("{\"quote\":\"\"}", &b) == 0 && b.n == 0);
	buf_deinit(&b);
}

static void test_quote_in_json_has_a_limit(void)
{
	static char text[2 * KEY_FRAME_QUOTE_MAX + 64];
	struct buf b;

	(void)snprintf(text, sizeof(text), "{\"quote\":\"%0*d\"}", 2 * KEY_FRAME_QUOTE_MAX, 1);
	assert(quote(text, &b) == 0 && b.n == KEY_FRAME_QUOTE_MAX && b.p[b.n - 1] == 1);
	buf_deinit(&b);
	(void)snprintf(text, sizeof(text), "{\"quote\":\"%0*d\"}", 2 * KEY_FRAME_QUOTE_MAX + 2, 1);
	assert(quote(text, &b) == ERR_LIMIT);
}

static int asked(const char *text, struct buf *b)
{
	struct err e = ERR_NONE;
	char *copy = xmemdup(text, strlen(text)); /* exactly as long */
	int rc = key_frame_asked(copy, strlen(text), b, &e);

	free(copy);
	assert(rc == 0 || (rc == ERR_PROTO && e.text[0]));
	return rc;
}

static void test_requests_are_read_by_a_provider(void)
{
	static const char *const bad[] = {
		"",
		"{}",
		"null",
		"{\"quote\":\"00\"}",
		"{\"quote\":[256]}",
		"{\"quote\":[1]",
		"{\"quote\":[1]}{",
		"{\"quote\":[1],\"quote\":[1]}",
		"{\"quote\":null}",
	};
	struct buf b;
	size_t i;

	assert(asked(" {\"x\":{}, \"quote\" : [ 1, 2 ,255 ]}\n", &b) == 0);
	assert(b.n == 3 && memcmp(b.p, "\1\2\377", 3) == 0);
	buf_deinit(&b);
	assert(asked("{\"quote\":[]}", &b) == 0 && b.n == 0);
	buf_deinit(&b);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(asked(bad[i], &b) == ERR_PROTO);
}

static void test_the_largest_quote_goes_through(void)
{
	static uint8_t quote[KEY_FRAME_QUOTE_MAX + 1];
	struct err e = ERR_NONE;
	struct buf frame, back;

	memset(quote, 200, sizeof(quote));
	assert(key_frame_request(&frame, quote, KEY_FRAME_QUOTE_MAX, &e) == 0);
	assert(key_frame_asked(frame.p + 4, frame.n - 4, &back, &e) == 0);
	assert(back.n == KEY_FRAME_QUOTE_MAX && memcmp(back.p, quote, back.n) == 0);
	buf_deinit(&back);
	assert(frame.p[frame.n - 1] == '}' && frame.p[frame.n - 2] == ']');
	frame.n -= 2; /* one byte more */
	assert(buf_add_str(&frame, ",200]}") == 0);
	assert(key_frame_asked(frame.p + 4, frame.n - 4, &back, &e) == ERR_PROTO);
	buf_deinit(&frame);
}

static void test_an_answer_is_written_as_it_is_read(void)
{
	static const char json[] = "{\"encrypted_key\":[0,10,255],\"provider_quote\":[7]}";
	struct key_frame_answer a = { .encrypted_key = BUF_MAX(3), .provider_quote = BUF_MAX(1) };
	struct err e = ERR_NONE;
	struct buf frame;

	assert(buf_add(&a.encrypted_key, "\0\12\377", 3) == 0);
	assert(buf_add(&a.provider_quote, "\7", 1) == 0);
	assert(key_frame_respond(&frame, &a, &e) == 0);
	assert(frame.n == 4 + strlen(json) && memcmp(frame.p + 4, json, strlen(json)) == 0);
	assert(frame.p[3] == strlen(json));
	buf_deinit(&frame);
	a.encrypted_key.n = KEY_FRAME_KEY_MAX + 1;
	assert(key_frame_respond(&frame, &a, &e) == ERR_LIMIT);
	key_frame_answer_deinit(&a);
}

int main(void)
{
	test_requests_are_read_by_a_provider();
	test_the_largest_quote_goes_through();
	test_an_answer_is_written_as_it_is_read();
	test_quote_in_json();
	test_quote_in_json_has_a_limit();
	test_request_is_decimal_and_framed();
	test_quote_has_a_limit();
	test_length_has_limits();
	test_answers_that_are_good();
	test_answers_that_are_not();
	return 0;
}
