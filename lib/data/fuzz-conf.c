/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: a YAML document for a table that has every type.  Property: what loads has every default and
 * every value in its range; what does not is refused with one printable line.
 */
#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "data/conf.h"
#include "data/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const char *const colours[] = { "red", "green", NULL };
static const struct conf_key inner[] = {
	{ .name = "size", .type = CONF_SIZE, .min = 1024, .max = 1 << 30, .otherwise = "1M" },
	{ .name = "port",
	  .type = CONF_UINT,
	  .min = 1,
	  .max = 65535,
	  .required = true,
	  .example = "80" },
	{ 0 },
};
static const struct conf_key plain[] = {
	{ .name = "wait", .type = CONF_DURATION, .min = 1, .max = 86400000, .otherwise = "30s" },
	{ .name = "colour", .type = CONF_ENUM, .values = colours, .otherwise = "red" },
	{ 0 },
};
static const struct conf_key table[] = {
	{ .name = "a", .type = CONF_BOOL, .otherwise = "true" },
	{ .name = "b", .type = CONF_MAP, .keys = plain },
	{ .name = "c", .type = CONF_MAPS, .keys = inner, .most = 3 },
	{ .name = "d", .type = CONF_STRINGS, .min = 1, .max = 9, .otherwise = "[x]" },
	{ .name = "e", .type = CONF_STRING_MAP, .max = 9 },
	{ .name = "f", .type = CONF_TEXT },
	{ .name = "g", .type = CONF_STRING, .max = 20 },
	{ .name = "h", .type = CONF_MAP, .keys = inner },
	{ 0 },
};

static void in_range(const json_t *o, const char *key, uint64_t min, uint64_t max)
{
	uint64_t v = json_get_u64(o, key, UINT64_MAX);

	assert(v >= min && v <= max);
}

static void check(const json_t *o)
{
	const json_t *c = json_object_get(o, "c"), *h = json_object_get(o, "h");
	size_t i;

	assert(json_is_boolean(json_object_get(o, "a")));
	in_range(json_object_get(o, "b"), "wait", 1, 86400000);
	assert(json_get_str(json_object_get(o, "b"), "colour", NULL));
	assert(json_is_array(c) && json_array_size(c) <= 3);
	for (i = 0; i < json_array_size(c); i++)
		in_range(json_array_get(c, i), "port", 1, 65535);
	if (h) {
		in_range(h, "size", 1024, 1 << 30);
		assert(conf_line(o, "h.port") > 0);
	}
	assert(json_is_object(json_object_get(o, "e")) && json_is_array(json_object_get(o, "d")));
	assert(strlen(json_get_str(o, "g", "")) <= 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct err e = ERR_NONE;
	json_t *o = NULL;
	const char *c;

	if (conf_load(table, (const char *)p, n, "f", &o, &e) == 0) {
		check(o);
		json_decref(o);
		return 0;
	}
	assert(!o && e.code < 0 && strncmp(e.text, "f:", 2) == 0);
	for (c = e.text; *c; c++)
		assert((unsigned char)*c >= 0x20 && *c != 0x7f);
	return 0;
}
