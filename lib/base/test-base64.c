/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/buf.h"

static void check(const char *bytes, size_t n, const char *text)
{
	auto_buf struct buf b = BUF_MAX(64);
	uint8_t back[64];

	assert(base64_encode(&b, bytes, n) == 0);
	assert(b.n == strlen(text) && memcmp(b.p, text, b.n) == 0);
	assert(base64_decode(back, text, strlen(text)) == (ssize_t)n);
	assert(memcmp(back, bytes, n) == 0);
}

/* RFC 4648 section 10 */
static void test_published_vectors(void)
{
	check("", 0, "");
	check("f", 1, "Zg==");
	check("fo", 2, "Zm8=");
	check("foo", 3, "Zm9v");
	check("foob", 4, "Zm9vYg==");
	check("fooba", 5, "Zm9vYmE=");
	check("foobar", 6, "Zm9vYmFy");
	check("\xff\xef\xbe", 3, "/+++");
}

static void test_other_spellings_are_refused(void)
{
	static const char *const bad[] = { "Z",	       "Zg",   "Zg=",	 "Zh==", "Zm9=", "====",
					   "Zg==Zg==", "Z===", "Zm9v\n", "Zm 9", "Zm-_", "=m9v" };
	uint8_t back[64];
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(base64_decode(back, bad[i], strlen(bad[i])) == -EINVAL);
}

int main(void)
{
	test_published_vectors();
	test_other_spellings_are_refused();
	return 0;
}
