/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/feed.h"
#include "daemon/vm.h"

static struct vm vm;

static void add(struct feed *f, unsigned int i, char *body)
{
	char name[24];

	assert(str_format(name, sizeof(name), "e.%u", i) > 0);
	feed_add(f, &vm,
		 &(struct event){
			 .seq = i, .at_ms = 7, .generation = 2, .name = name, .body = body });
}

static void test_lines_come_in_order_and_say_whose(void)
{
	char empty[] = "";
	struct feed f = { 0 };
	uint64_t seen = 0;
	const char *line;

	assert(!feed_next(&f, &seen));
	add(&f, 1, empty);
	add(&f, 2, empty);
	line = feed_next(&f, &seen);
	assert(line && strstr(line, "\"event\":\"e.1\"") && strstr(line, "\"id\":\"an-id\""));
	assert(strstr(line, "\"name\":\"app\"") && strstr(line, "\"status\":\"stopped\""));
	line = feed_next(&f, &seen);
	assert(line && strstr(line, "\"event\":\"e.2\"") && !feed_next(&f, &seen) && seen == 2);
	feed_add_removed(&f, &vm);
	line = feed_next(&f, &seen);
	assert(line && strstr(line, "\"event\":\"vmm.removed\""));
	feed_deinit(&f);
}

static void test_a_cursor_is_of_one_life_and_place(void)
{
	char empty[] = "", cursor[FEED_CURSOR_MAX + 1], bad[64];
	struct feed f = { 0 }, other = { 0 };
	uint64_t seen = 99;
	unsigned int i;

	for (i = 1; i <= 3; i++)
		add(&f, i, empty);
	feed_cursor(&f, 2, cursor);
	assert(feed_find(&f, cursor, &seen) && seen == 2);
	assert(!feed_find(&other, cursor, &seen));
	add(&other, 1, empty);
	assert(!feed_find(&other, cursor, &seen));
	feed_cursor(&f, 4, cursor); /* not told yet */
	assert(!feed_find(&f, cursor, &seen));
	feed_cursor(&f, 2, cursor);
	for (i = 0; i < strlen(cursor); i++) {
		assert(str_copy(bad, sizeof(bad), cursor) > 0);
		bad[i] = 0;
		assert(!feed_find(&f, bad, &seen));
		bad[i] = 'x';
		assert(!feed_find(&f, bad, &seen));
	}
	feed_deinit(&f);
	feed_deinit(&other);
}

static void test_what_is_kept_is_bounded(void)
{
	auto_free char *large = xcalloc(1, EVENT_BODY_MAX + 1);
	char empty[] = "", cursor[FEED_CURSOR_MAX + 1];
	struct feed f = { 0 };
	uint64_t seen = 0;
	unsigned int i;

	memset(large, 1, EVENT_BODY_MAX); /* six bytes each in JSON */
	for (i = 1; i <= FEED_LINES + 10; i++)
		add(&f, i, empty);
	assert(f.n == FEED_LINES && feed_oldest(&f) == 10);
	assert(strstr(feed_next(&f, &seen), "\"e.11\"") && seen == 11);
	feed_cursor(&f, 9, cursor);
	assert(!feed_find(&f, cursor, &seen));
	for (i = 1; i <= 200; i++)
		add(&f, i, large);
	assert(f.bytes <= FEED_BYTES && f.n < 100 && f.n > 50);
	feed_deinit(&f);
	assert(f.bytes == 0 && f.n == 0);
}

int main(void)
{
	char id[] = "an-id", name[] = "app";

	assert(str_copy(vm.manifest.id, sizeof(vm.manifest.id), id) > 0);
	vm.manifest.name = name;
	test_lines_come_in_order_and_say_whose();
	test_a_cursor_is_of_one_life_and_place();
	test_what_is_kept_is_bounded();
	return 0;
}
