/* SPDX-License-Identifier: Apache-2.0 */
/* Test top: shares of the CPU between two looks, orders, sizes. */
#undef NDEBUG
#include "cli/top.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "cli/vm.h"
#include "data/json.h"

#define VM(id, name, pid, cpu, more)                                                               \
	"{\"id\":\"" id "\",\"name\":\"" name "\",\"status\":\"running\",\"pid\":" pid             \
	",\"cpu_ms\":" cpu "," more "}"

static json_t *parse(const char *text)
{
	json_t *j = NULL;

	assert(json_parse(text, strlen(text), 1 << 20, "test", &j, NULL) == 0);
	return j;
}

static void order_is(struct top *t, enum top_key key, bool is_reversed, const char *want)
{
	char got[64] = "";
	size_t i;

	top_sort(t, key, is_reversed);
	for (i = 0; i < t->n; i++)
		(void)strncat(got, vm_name(t->rows[i].vm), 8);
	if (!str_equal(got, want))
		(void)fprintf(stderr, "by %s: %s, not %s\n", top_key_name(key), got, want);
	assert(str_equal(got, want));
}

static void test_shares_and_orders(void)
{
	json_t *before = parse("{\"at\":1000,\"vms\":[" VM("1", "a", "11", "100", "\"x\":1") "," VM(
		"2", "b", "12", "0", "\"x\":1") "," VM("3", "c", "13", "9", "\"x\":1") "]}");
	json_t *now = parse("{\"at\":3000,\"vms\":[" VM(
		"1", "a", "11", "1100",
		"\"memory_used\":5,\"disk_used\":9,\"started_"
		"at\":2000") "," VM("2", "b", "12", "3000",
				    "\"memory_used\":9,\"disk_"
				    "used\":5,\"started_at\":"
				    "1000") "," VM("3", "c", "99", "500",
						   "\"memory_"
						   "used\":7,"
						   "\"restart_"
						   "attempts\":"
						   "2") ","
							"{\"id"
							"\":"
							"\"4\","
							"\"name"
							"\":"
							"\"d\","
							"\"stat"
							"us\":"
							"\"stop"
							"ped\"}"
							"]}");
	struct top t;

	assert(top_make(before, now, &t, NULL) == 0);
	assert(t.n == 4 && t.n_up == 3 && t.memory == 21 && t.cpu_permille == 2000);
	assert(t.rows[0].cpu_permille == 500 && t.rows[1].cpu_permille == 1500);
	assert(t.rows[2].cpu_permille == -1); /* another process than before */
	assert(t.rows[3].cpu_permille == -1 && !t.rows[3].is_up && t.rows[3].uptime_s == 0);
	assert(t.rows[0].uptime_s == 1 && t.rows[1].uptime_s == 2);
	order_is(&t, TOP_CPU, false, "bacd");
	order_is(&t, TOP_CPU, true, "cdab");
	order_is(&t, TOP_MEMORY, false, "bcad");
	order_is(&t, TOP_DISK, false, "abcd");
	order_is(&t, TOP_NAME, true, "dcba");
	order_is(&t, TOP_UPTIME, false, "bacd");
	order_is(&t, TOP_RESTARTS, false, "cabd");
	top_deinit(&t);
	assert(top_make(NULL, now, &t, NULL) == 0 && t.rows[0].cpu_permille == -1);
	top_deinit(&t);
	json_decref(before);
	json_decref(now);
}

static void test_whatever_comes_is_shown_or_refused(void)
{
	static const char *const good[] = {
		"{\"vms\":[]}",
		"{\"vms\":[1,null,[],{}]}",
		"{\"at\":-5,\"vms\":[{\"pid\":-1,\"cpu_ms\":-9,\"name\":7,\"started_at\":99}]}",
		"{\"at\":5,\"vms\":[{\"pid\":1,\"cpu_ms\":9223372036854775807}]}",
	};
	static const char *const bad[] = { "{}", "[]", "{\"vms\":{}}" };
	struct top t;
	json_t *j;
	size_t i, k;

	for (i = 0; i < sizeof(good) / sizeof(*good); i++) {
		j = parse(good[i]);
		assert(top_make(j, j, &t, NULL) == 0);
		top_sort(&t, TOP_CPU, false);
		for (k = 0; k < t.n; k++)
			json_decref(top_json(&t.rows[k]));
		top_deinit(&t);
		json_decref(j);
	}
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		j = parse(bad[i]);
		assert(top_make(NULL, j, &t, NULL) == ERR_PROTO);
		json_decref(j);
	}
}

static void test_letters_and_names(void)
{
	enum top_key k;

	for (k = 0; k < TOP_KEY_COUNT; k++) {
		assert(top_key_of_name(top_key_name(k)) == k);
		assert(top_key_of_letter(top_key_name(k)[0]) == k);
	}
	assert(top_key_of_letter('q') == TOP_KEY_COUNT && top_key_of_letter(0) == TOP_KEY_COUNT);
	assert(top_key_of_name("") == TOP_KEY_COUNT);
}

static void test_sizes(void)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = { { 0, "0B" },
		      { 999, "999B" },
		      { 1024, "1K" },
		      { 1536, "1.5K" },
		      { 512ULL << 20, "512M" },
		      { 1000ULL << 20, "0.9G" },
		      { 20ULL << 30, "20G" },
		      { UINT64_MAX, "15E" } };
	char text[16];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert(str_equal(top_size(text, cases[i].bytes), cases[i].text));
}

int main(void)
{
	test_shares_and_orders();
	test_whatever_comes_is_shown_or_refused();
	test_letters_and_names();
	test_sizes();
	return 0;
}
