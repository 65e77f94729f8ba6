/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-app-keys-file: any bytes are .appkeys.json or are refused
 *
 * Input    the file.
 * Property what parses is written as text that parses and is written the same.
 */
#undef NDEBUG
#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "data/app_keys_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_app_keys_file struct app_keys_file f = { .n_id = 0 }, again = { .n_id = 0 };
	auto_secret_str char *text = NULL, *second = NULL;
	struct err e = ERR_NONE;

	if (app_keys_file_parse(p, n, &f, &e) < 0) {
		assert(e.code < 0 && str_starts(e.text, "app keys: "));
		return 0;
	}
	text = app_keys_file_text(&f);
	assert(app_keys_file_parse(text, strlen(text), &again, NULL) == 0);
	second = app_keys_file_text(&again);
	assert(strcmp(text, second) == 0);
	return 0;
}
