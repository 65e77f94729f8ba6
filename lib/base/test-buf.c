/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "base/buf.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void test_grows_to_its_limit_and_not_beyond(void)
{
	struct buf b = BUF_MAX(1000);
	int i;

	for (i = 0; i < 100; i++)
		assert(buf_add(&b, "0123456789", 10) == 0);
	assert(b.n == 1000 && b.p[1000] == 0);
	assert(buf_add(&b, "x", 1) == -EMSGSIZE && b.n == 1000);
	assert(buf_reserve(&b, SIZE_MAX) == -EMSGSIZE);
	buf_deinit(&b);
	buf_deinit(&b);
	assert(!b.p && b.n == 0);
}

static void test_text_is_always_terminated(void)
{
	struct buf b = BUF_MAX(64);
	char *s;

	assert(buf_addf(&b, "%s-%d", "a", 7) == 0 && strcmp((char *)b.p, "a-7") == 0);
	buf_drop(&b, 2);
	assert(b.n == 1 && strcmp((char *)b.p, "7") == 0);
	assert(buf_addf(&b, "%64s", "") == -EMSGSIZE && b.n == 1);
	s = buf_take_str(&b);
	assert(strcmp(s, "7") == 0 && !b.p && b.n == 0);
	free(s);
	s = buf_take_str(&b);
	assert(strcmp(s, "") == 0);
	free(s);
}

int main(void)
{
	test_grows_to_its_limit_and_not_beyond();
	test_text_is_always_terminated();
	return 0;
}
