/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "auth/recent.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static struct recent r;

static void test_it_is_known_for_a_while(void)
{
	recent_reset(&r);
	recent_add(&r, "u", "s", "user u", ROLE_READ, 1000);
	assert(recent_find(&r, "u", "s", 1000)->role == ROLE_READ);
	assert(strcmp(recent_find(&r, "u", "s", 999 + RECENT_MS + 1 - 1)->name, "user u") == 0);
	assert(!recent_find(&r, "u", "s", 1000 + RECENT_MS));
	assert(!recent_find(&r, "us", "", 1000) && !recent_find(&r, "", "us", 1000));
	assert(!recent_find(&r, "u", "S", 1000));
	recent_reset(&r);
	assert(!recent_find(&r, "u", "s", 1000));
}

static void test_the_oldest_makes_room(void)
{
	char secret[16];
	int i;

	recent_reset(&r);
	for (i = 0; i <= RECENT_MAX; i++) {
		(void)snprintf(secret, sizeof(secret), "s%d", i);
		recent_add(&r, "", secret, "n", ROLE_OPERATE, 1000 + (uint64_t)i);
	}
	assert(!recent_find(&r, "", "s0", 2000) && recent_find(&r, "", "s1", 2000));
	assert(recent_find(&r, "", secret, 2000));
}

int main(void)
{
	test_it_is_known_for_a_while();
	test_the_oldest_makes_room();
	return 0;
}
