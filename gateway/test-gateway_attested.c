/* SPDX-License-Identifier: Apache-2.0 */
/* Attested keys: what quotes are to say, which keys are kept and served, what costs nothing. */
#undef NDEBUG
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"
#include "data/json.h"
#include "gateway/attested.h"

enum { SPKI = 91, SIZE = 1200 };

static char folder[] = "/tmp/gateway-attested-XXXXXX";

static void put(uint8_t number, uint64_t made_ms, const char *quote)
{
	uint8_t spki[SPKI] = { number };
	const struct attested a = { .domain = "app.test",
				    .spki = spki,
				    .n_spki = sizeof(spki),
				    .made_ms = made_ms,
				    .quote = quote,
				    .attestation = "{}" };

	assert(attested_put(folder, &a, NULL) == 0);
}

/* The keys that are served, by their first byte. */
static json_t *served(void)
{
	struct buf b = BUF_MAX(0);
	json_t *info = NULL, *keys;

	assert(attested_info(folder, &b, NULL) == 0);
	assert(json_parse(b.p, b.n, ATTESTED_INFO_MAX, "info", &info, NULL) == 0);
	keys = json_incref(json_object_get(info, "quoted_hist_keys"));
	assert(json_is_array(keys) && json_is_array(json_object_get(info, "hist_keys")));
	json_decref(info);
	buf_deinit(&b);
	return keys;
}

static unsigned int first_byte(const json_t *keys, size_t i)
{
	uint8_t b[SPKI];

	assert(str_unhex(b, SPKI, json_get_str(json_array_get(keys, i), "public_key", "")) == 0);
	return b[0];
}

/* SHA-512 of "zt-cert:abc", by another program. */
static void test_report_data_bind_the_key(void)
{
	static const char want[] =
		"a5d9ecd800cf2a16cddd738555e741c162b05ed0f2485af22aa9a1857e940992"
		"c95fad8ca3514e4451b185efe690b0fb94b62a82f1340d2287500f965c4986de";
	uint8_t data[ATTESTED_REPORT_DATA];
	char hex[2 * ATTESTED_REPORT_DATA + 1];

	attested_report_data("abc", 3, data);
	str_hex(hex, data, sizeof(data));
	assert(str_equal(hex, want));
}

static void test_nothing_is_an_answer_too(void)
{
	json_auto_t *keys = served();

	assert(json_array_size(keys) == 0);
}

static void test_the_newest_is_first_and_the_oldest_go(void)
{
	json_auto_t *keys = NULL, *again = NULL;
	unsigned int i;

	for (i = 0; i < ATTESTED_MAX + 3; i++)
		put((uint8_t)i, 1000 + i, "{\"quote\":\"\"}");
	keys = served();
	assert(json_array_size(keys) == ATTESTED_MAX);
	assert(first_byte(keys, 0) == ATTESTED_MAX + 2 && first_byte(keys, ATTESTED_MAX - 1) == 3);
	put(3, 5000, "{}"); /* the same key once more */
	again = served();
	assert(json_array_size(again) == ATTESTED_MAX && first_byte(again, 0) == 3);
	assert(str_equal(json_get_str(json_array_get(again, 0), "quote", ""), "{}"));
}

static void test_what_does_not_fit_is_left_out(void)
{
	static char large[ATTESTED_TEXT_MAX + 2];
	uint8_t spki[SPKI] = { 1 };
	struct attested a = { .domain = "d",
			      .spki = spki,
			      .n_spki = sizeof(spki),
			      .quote = large,
			      .attestation = "" };
	json_auto_t *keys = NULL;
	unsigned int i;

	memset(large, 'x', ATTESTED_TEXT_MAX + 1);
	assert(attested_put(folder, &a, NULL) == ERR_LIMIT);
	large[ATTESTED_TEXT_MAX] = 0;
	for (i = 0; i < 4; i++)
		put((uint8_t)(200 + i), 9000 + i, large);
	keys = served();
	assert(json_array_size(keys) >= 1 && first_byte(keys, 0) == 203);
	assert(json_array_size(keys) < 4);
}

static void test_what_is_damaged_costs_only_itself(void)
{
	json_auto_t *before = served(), *after = NULL;
	char path[SIZE];
	static const char zeros[] =
		"0000000000000000000000000000000000000000000000000000000000000000";

	assert(str_format(path, sizeof(path), "%s/attested/%s.json", folder, zeros) > 0);
	assert(file_replace(AT_FDCWD, path, 0600, "{\"a", 3, NULL) == 0);
	assert(str_format(path, sizeof(path), "%s/attested/notes.json", folder) > 0);
	assert(file_replace(AT_FDCWD, path, 0600, "{}", 2, NULL) == 0);
	after = served();
	assert(json_equal(before, after));
	put(7, 99999, "{}");
	assert(access(path, F_OK) == 0); /* not ours: it stays */
}

static void remove_folder(void)
{
	char path[SIZE];
	const struct dirent *d;
	DIR *dir;

	assert(str_format(path, sizeof(path), "%s/attested", folder) > 0);
	dir = opendir(path);
	assert(dir);
	while ((d = readdir(dir))) {
		if (d->d_name[0] != '.')
			assert(unlinkat(dirfd(dir), d->d_name, 0) == 0);
	}
	assert(closedir(dir) == 0 && rmdir(path) == 0 && rmdir(folder) == 0);
}

int main(void)
{
	assert(mkdtemp(folder));
	test_report_data_bind_the_key();
	test_nothing_is_an_answer_too();
	test_the_newest_is_first_and_the_oldest_go();
	test_what_does_not_fit_is_left_out();
	test_what_is_damaged_costs_only_itself();
	remove_folder();
	return 0;
}
