/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "wire/client_hello.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "test_client_hello.h"

static enum client_hello_verdict parse(const struct buf *b, struct client_hello *ret)
{
	return client_hello_parse(b->p, b->n, ret);
}

static void refused(struct buf *b, uint8_t alert)
{
	struct client_hello h;

	assert(parse(b, &h) == CLIENT_HELLO_REFUSED);
	assert(h.alert == alert && h.why);
	buf_deinit(b);
}

static struct buf hello_with_name(const char *name, size_t n)
{
	struct hello_parts parts = { .name = name, .n_name = n };

	return hello_make(&parts);
}

static void test_name_and_protocols_are_found(void)
{
	struct hello_parts parts = { .name = "App-8080.Example.COM.",
				     .n_name = 21,
				     .alpn = "\2h2\10http/1.1" };
	auto_buf struct buf b = hello_make(&parts);
	struct client_hello h;

	assert(parse(&b, &h) == CLIENT_HELLO_FOUND);
	assert(strcmp(h.host, "app-8080.example.com") == 0 && h.n_host == 20);
	assert(h.has_alpn && h.offers_h2 && h.offers_http1);
}

static void test_every_cut_wants_more_and_says_how_much(void)
{
	auto_buf struct buf b = hello_with_name("x.example.com", 13);
	struct client_hello h;
	size_t n;

	for (n = 0; n < b.n; n++) {
		auto_free uint8_t *p = xmemdup(b.p, n);

		assert(client_hello_parse(p, n, &h) == CLIENT_HELLO_MORE);
		assert(h.need > n && h.need <= b.n);
	}
	assert(n > 9 && h.need == b.n);
	assert(client_hello_parse(b.p, b.n, &h) == CLIENT_HELLO_FOUND);
}

static void test_fragments_of_any_size_are_one_hello(void)
{
	size_t piece;

	for (piece = 1; piece < 200; piece++) {
		struct hello_parts parts = { .name = "x.example.com",
					     .n_name = 13,
					     .piece = piece };
		auto_buf struct buf b = hello_make(&parts);
		struct client_hello h;
		size_t n;

		assert(parse(&b, &h) == CLIENT_HELLO_FOUND && strcmp(h.host, "x.example.com") == 0);
		for (n = 0; n < b.n; n++)
			assert(client_hello_parse(b.p, n, &h) == CLIENT_HELLO_MORE && h.need > n);
	}
}

static void test_large_hellos_are_read_up_to_16_kib(void)
{
	struct hello_parts parts = { .name = "pq.example.com", .n_name = 14, .padding = 16000 };
	struct hello_parts over = {
		.name = "pq.example.com", .n_name = 14, .padding = 16384, .piece = 8000
	};
	auto_buf struct buf b = hello_make(&parts);
	struct buf too_long = hello_make(&over);
	struct client_hello h;

	assert(parse(&b, &h) == CLIENT_HELLO_FOUND && strcmp(h.host, "pq.example.com") == 0);
	refused(&too_long, 47);
}

static void test_tiny_pieces_have_an_end(void)
{
	struct hello_parts parts = {
		.name = "x.example.com", .n_name = 13, .padding = 8000, .piece = 1
	};
	struct buf b = hello_make(&parts);

	b.n = CLIENT_HELLO_STREAM_MAX;
	refused(&b, 47);
}

static void test_what_is_no_tls_gets_no_alert(void)
{
	static const char *const texts[] = { "GET / HTTP/1.1\r\n\r\n", "\x80\x2e\x01",
					     "\x16\x02\x01", "SSH-2.0-x\r\n" };
	struct client_hello h;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		assert(client_hello_parse(texts[i], strlen(texts[i]), &h) == CLIENT_HELLO_REFUSED);
		assert(h.alert == 0);
		if (i == 2)
			continue;
		assert(client_hello_parse(texts[i], 1, &h) == CLIENT_HELLO_REFUSED);
	}
}

static void test_other_messages_and_records_are_refused(void)
{
	struct buf b = hello_with_name("x.example.com", 13);

	b.p[5] = 2; /* a ServerHello */
	refused(&b, 10);
	b = hello_with_name("x.example.com", 13);
	b.p[3] = 0x40; /* a record of 16 KiB and some */
	b.p[4] = 1;
	refused(&b, 22);
	b = hello_with_name("x.example.com", 13);
	b.p[3] = b.p[4] = 0;
	refused(&b, 10);
	/* another kind of record between the pieces */
	b = hello_make(&(struct hello_parts){ .name = "x.example.com", .n_name = 13, .piece = 20 });
	b.p[25] = 23;
	refused(&b, 10);
}

static void test_names_that_are_none_are_refused(void)
{
	static const char *const names[] = {
		"a..b", ".a",		"a b", "a/b",  "10.0.0.1", "x.1", "\xc3\xa4.example",
		"..",	"a\nb.example", "*.x", "[::1]"
	};
	char long_label[70], long_name[300];
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct buf b = hello_with_name(names[i], strlen(names[i]));

		refused(&b, 47);
	}
	memset(long_label, 'a', sizeof(long_label));
	struct buf b = hello_with_name(long_label, 64);
	refused(&b, 47);
	for (i = 0; i < sizeof(long_name); i++)
		long_name[i] = i % 2 ? '.' : 'a';
	b = hello_with_name(long_name, 300);
	refused(&b, 47);
	b = hello_with_name(long_name, 255);
	refused(&b, 47);
	b = hello_with_name("a\0b.example", 11);
	refused(&b, 47);
	b = hello_with_name("", 0);
	refused(&b, 47);
}

static void test_longest_names_pass(void)
{
	char name[254];
	struct client_hello h;
	size_t i;

	for (i = 0; i < 253; i++)
		name[i] = i % 64 == 63 ? '.' : 'b';
	name[253] = '.';
	auto_buf struct buf b = hello_with_name(name, 254);
	assert(parse(&b, &h) == CLIENT_HELLO_FOUND && h.n_host == 253);
}

static void test_no_name_and_two_names_are_refused(void)
{
	struct buf b = hello_make(&(struct hello_parts){ .name = NULL });

	refused(&b, 109);
	b = hello_make(&(struct hello_parts){ .name = "a.example", .n_name = 9, .twice = true });
	refused(&b, 47);
	b = hello_make(
		&(struct hello_parts){ .name = "a.example", .n_name = 9, .two_in_list = true });
	refused(&b, 47);
}

/* Each byte that is a length, made larger, goes beyond what holds it or leaves bytes over. */
static void test_lengths_that_lie_are_refused(void)
{
	auto_buf struct buf b = hello_with_name("x.example.com", 13);
	/* session id, suites, compression, extensions, name extension, its list, the name */
	static const size_t at[] = { 43, 44, 45, 48, 50, 51, 54, 55, 56, 57, 59, 60 };
	size_t i;

	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct client_hello h;
		auto_free uint8_t *p = xmemdup(b.p, b.n);

		p[at[i]] ^= 0x80;
		assert(client_hello_parse(p, b.n, &h) == CLIENT_HELLO_REFUSED);
	}
}

int main(void)
{
	test_name_and_protocols_are_found();
	test_every_cut_wants_more_and_says_how_much();
	test_fragments_of_any_size_are_one_hello();
	test_large_hellos_are_read_up_to_16_kib();
	test_tiny_pieces_have_an_end();
	test_what_is_no_tls_gets_no_alert();
	test_other_messages_and_records_are_refused();
	test_names_that_are_none_are_refused();
	test_longest_names_pass();
	test_no_name_and_two_names_are_refused();
	test_lengths_that_lie_are_refused();
	return 0;
}
