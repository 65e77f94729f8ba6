/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/mac.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"

static void test_published_vectors(void)
{
	static const struct {
		const char *id, *prefix;
		size_t index;
		const char *mac;
	} rows[] = {
		{ "vm-123", NULL, 0, "96:b1:d8:b9:08:e6" },
		{ "vm-123", "", 1, "c6:74:2c:65:14:b9" },
		{ "vm-123", "52:54:00", 0, "52:54:00:97:b1:d8" },
		{ "3f2504e0-4f89-41d3-9a0c-0305e82c3301", NULL, 0, "16:36:2f:56:63:87" },
	};
	char mac[MAC_TEXT_SIZE];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert(mac_of(rows[i].id, rows[i].prefix, rows[i].index, mac, NULL) == 0);
		assert(strcmp(mac, rows[i].mac) == 0);
	}
}

static void test_prefix_is_made_local_and_unicast(void)
{
	char mac[MAC_TEXT_SIZE];

	assert(mac_of("vm-123", "01", 0, mac, NULL) == 0);
	assert(strncmp(mac, "02:97", 5) == 0);
}

static void test_bad_prefix_is_refused(void)
{
	static const char *const bad[] = { "5",	   "52:", ":52",   "52:54:00:11",
					   "5254", "zz",  "52 54", "52::54" };
	char mac[MAC_TEXT_SIZE];
	struct err e;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert(mac_of("x", bad[i], 0, mac, &e) == ERR_INPUT);
	assert(strstr(e.text, "52:54:00"));
}

int main(void)
{
	test_published_vectors();
	test_prefix_is_made_local_and_unicast();
	test_bad_prefix_is_refused();
	return 0;
}
