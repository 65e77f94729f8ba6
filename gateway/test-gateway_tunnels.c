/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "gateway/tunnels.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"

#define KEY  "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
#define KEY2 "/wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static int next(const char *text, uint64_t *ret)
{
	uint8_t key[WG_KEY];
	size_t n = strlen(text);

	return tunnels_next(&text, &n, key, ret);
}

static void test_lines_are_read(void)
{
	const char *p = KEY "\t1763769600\n" KEY2 "\t0\n";
	uint8_t key[WG_KEY];
	uint64_t seconds;
	size_t n = strlen(p);

	assert(tunnels_next(&p, &n, key, &seconds) == 1);
	assert(key[0] == 1 && key[31] == 0 && seconds == 1763769600);
	assert(tunnels_next(&p, &n, key, &seconds) == 1);
	assert(key[0] == 255 && seconds == 0);
	assert(n == 0 && tunnels_next(&p, &n, key, &seconds) == 0);
}

static void test_anything_else_is_refused(void)
{
	static const char *const wrong[] = {
		"\n",
		"x",
		KEY "\t1",
		KEY "\t\n",
		KEY " 1\n",
		KEY "\t-1\n",
		KEY "\t+1\n",
		KEY "\t1 \n",
		KEY "\t1\r\n",
		KEY "\t99999999999999999999\n",
		KEY "\t000000000000000000001\n",
		KEY "\t123456789012345678901234567890\n",
		"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\t1\n",
		"(none)\t1\n",
		"\t1\n" KEY "\t1\n",
	};
	uint64_t seconds = 7;
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert(next(wrong[i], &seconds) == ERR_INPUT && seconds == 7);
	assert(next(KEY "\t9223372036854775807\n", &seconds) == 1 && seconds == INT64_MAX);
	assert(next(KEY "\t9223372036854775808\n", &seconds) == ERR_INPUT);
}

static void test_new_peers_are_seen_soon_at_a_share_of_the_time(void)
{
	assert(tunnels_wait_ms(0, false) == TUNNELS_ASK_MS);
	assert(tunnels_wait_ms(0, true) == TUNNELS_HURRIED_MS);
	assert(tunnels_wait_ms(TUNNELS_ASK_MS + 1, false) == TUNNELS_ASK_MS + 1);
	assert(tunnels_wait_ms(TUNNELS_ASK_MS + 1, true) == TUNNELS_ASK_MS + 1);
}

int main(void)
{
	test_lines_are_read();
	test_anything_else_is_refused();
	test_new_peers_are_seen_soon_at_a_share_of_the_time();
	return 0;
}
