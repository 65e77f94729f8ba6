/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a .env file.  Property: what parses is what its JSON says, and a refusal names a line. */
#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/env_text.h"
#include "data/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static struct env_text t;

static void check_json(void)
{
	auto_buf struct buf b = BUF_MAX(env_text_json_size(&t));
	const json_t *list, *item;
	struct err e = ERR_NONE;
	json_t *j = NULL;
	size_t i;

	assert(env_text_json(&t, &b) == 0);
	assert(json_parse(b.p, b.n, b.n, "env", &j, &e) == 0);
	list = json_object_get(j, "env");
	assert(json_array_size(list) == t.n);
	json_array_foreach(list, i, item) {
		assert(str_equal(json_get_str(item, "key", ""), t.vars[i].name));
		assert(str_equal(json_get_str(item, "value", "?"), t.vars[i].value));
	}
	json_decref(j);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	auto_free char *text = xcalloc(1, n + 1);
	struct err e = ERR_NONE;
	size_t i;

	if (n)
		memcpy(text, p, n);
	if (env_text_parse(text, n, &t, &e) < 0) {
		assert(e.code == ERR_INPUT && isdigit((unsigned char)*e.text) && t.n == 0);
		return 0;
	}
	for (i = 0; i < t.n; i++) {
		assert(env_name_check(t.vars[i].name, t.vars[i].n_name) == ENV_NAME_OK);
		assert(strlen(t.vars[i].name) == t.vars[i].n_name);
		assert(strlen(t.vars[i].value) == t.vars[i].n_value);
	}
	check_json();
	return 0;
}
