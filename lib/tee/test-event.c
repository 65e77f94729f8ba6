/* SPDX-License-Identifier: Apache-2.0 */
/* test-event: digests and lines against published values */
#include "tee/event.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"

static void expect_digest(const struct event *ev, const char *hex)
{
	struct digest384 d = event_digest(ev);
	char text[2 * sizeof(d.b) + 1];

	str_hex(text, d.b, sizeof(d.b));
	assert(str_equal(text, hex));
}

static void expect_canonical(const struct event *ev, const char *want)
{
	auto_buf struct buf b = BUF_MAX(4096);

	assert(event_canonical(ev, &b) == 0);
	assert(str_equal((char *)b.p, want));
}

static void test_v1_digest_is_the_published_one(void)
{
	const struct event ev = { .version = 1, .name = "system-preparing" };

	expect_digest(&ev,
		      "f9974020ef507068183313d0ca808e0d1ca9b2d1ad0c61f5784e7157c362c06536f5ddac"
		      "dad4451693f48fcc72fff624");
}

static void test_v2_digest_is_the_published_one(void)
{
	const struct event ev = { 2, "compose-hash", "\xab\xcd", 2 };

	expect_digest(&ev,
		      "9dde1673f544faa94b921825209593ddde08d0baf9cd6990175dffaf3081f1bb10311d56"
		      "de189491feb33842a050ad7b");
}

static void test_v2_document_escapes_as_rfc_8785(void)
{
	const struct event special = { 2, "event\"with\\special\nchars", "\xff", 1 };
	const struct event control = { 2, "\b\f\n\r\t\x01\xc3\xa9", NULL, 0 };

	expect_canonical(&special,
			 "{\"name\":\"event\\\"with\\\\special\\nchars\",\"payload\":\"ff\","
			 "\"type\":134217729}");
	expect_canonical(&control, "{\"name\":\"\\b\\f\\n\\r\\t\\u0001\xc3\xa9\",\"payload\":\"\","
				   "\"type\":134217729}");
}

static void test_line_is_dstacks(void)
{
	const struct event v1 = { 1, "app-id", "foob", 4 }, v2 = { 2, "x\n", NULL, 0 };
	auto_buf struct buf b = BUF_MAX(4096);

	assert(event_line(&v1, &b) == 0 && event_line(&v2, &b) == 0);
	assert(str_equal((char *)b.p, "{\"event\":\"app-id\",\"payload\":\"Zm9vYg==\"}\n"
				      "{\"event\":\"x\\n\",\"payload\":\"\",\"version\":2}\n"));
}

static void test_check_refuses_what_cannot_be_carried(void)
{
	static char name[EVENT_NAME_MAX + 2];
	static char payload[EVENT_PAYLOAD_MAX + 1];
	struct event ev = { 1, name, payload, EVENT_PAYLOAD_MAX };
	struct err e = ERR_NONE;

	memset(name, 'n', EVENT_NAME_MAX);
	assert(event_check(&ev, &e) == 0);
	ev.n_payload++;
	assert(event_check(&ev, &e) == ERR_LIMIT);
	ev.n_payload = 0;
	name[EVENT_NAME_MAX] = 'n';
	assert(event_check(&ev, &e) == ERR_LIMIT);
	ev.name = "\xff";
	assert(event_check(&ev, &e) == ERR_INPUT);
	ev = (struct event){ 3, "x", NULL, 0 };
	assert(event_check(&ev, &e) == ERR_INPUT);
}

int main(void)
{
	test_v1_digest_is_the_published_one();
	test_v2_digest_is_the_published_one();
	test_v2_document_escapes_as_rfc_8785();
	test_line_is_dstacks();
	test_check_refuses_what_cannot_be_carried();
	return 0;
}
