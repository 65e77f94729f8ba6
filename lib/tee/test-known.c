/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "tee/known.h"

#include <assert.h>

static size_t freed;

static void free_int(void *value)
{
	(void)value;
	freed++;
}

static struct digest256 key(unsigned int i)
{
	return digest256_bytes(&i, sizeof(i));
}

static void put(struct known *k, unsigned int i, int *value)
{
	struct digest256 d = key(i);

	known_put(k, &d, value, free_int);
}

static int *get(struct known *k, unsigned int i)
{
	struct digest256 d = key(i);

	return known_get(k, &d);
}

static void test_the_one_not_asked_for_makes_room(void)
{
	struct known *k = known_new(KNOWN_LEAST);
	int values[8];
	unsigned int i;

	freed = 0;
	assert(!get(k, 0));
	for (i = 0; i < KNOWN_LEAST; i++)
		put(k, i, &values[i]);
	assert(freed == 0 && get(k, 0) == &values[0]);
	put(k, 4, &values[4]);
	assert(freed == 1 && !get(k, 1) && get(k, 0) == &values[0] && get(k, 4) == &values[4]);
	put(k, 5, &values[5]);
	assert(freed == 2 && !get(k, 2) && get(k, 3) == &values[3]);
	known_free(k);
	assert(freed == 6);
}

static void test_what_was_asked_for_stays_for_a_while(void)
{
	struct known *k = known_new(KNOWN_LEAST);
	int values[16];
	unsigned int i;

	for (i = 0; i < 8; i++)
		put(k, i, &values[i]);
	assert(get(k, 4) == &values[4]); /* the oldest, until now */
	for (i = 8; i < 8 + KNOWN_LEAST - 1; i++)
		put(k, i, &values[i]);
	assert(get(k, 4) == &values[4]);
	known_free(k);
	known_free(NULL);
}

int main(void)
{
	test_the_one_not_asked_for_makes_room();
	test_what_was_asked_for_stays_for_a_while();
	return 0;
}
