/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim-tool: a quote of a TD with given registers, its collateral and its root, for tests in Python
 *
 * Reads an object from stdin: seed, mrtd, rtmr0 to rtmr3, mrconfigid, report_data (hex; what is missing is zeros),
 * attributes and at (numbers).  Writes one: quote and root (hex), collateral (an object).
 */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "simulator/simulator.h"

enum { INPUT_MAX = 64 * 1024 };

static void hex_into(const json_t *o, const char *key, uint8_t *dst, size_t n)
{
	const char *hex = json_get_str(o, key, NULL);

	if (hex)
		assert(str_unhex(dst, n, hex) == 0);
}

static void put_hex(json_t *o, const char *key, const void *p, size_t n)
{
	auto_free char *hex = xcalloc(2, n + 1);

	str_hex(hex, p, n);
	(void)json_object_set_new(o, key, json_string(hex));
}

static void fill(const json_t *in, struct simulator_td *td)
{
	static const char *const rtmrs[] = { "rtmr0", "rtmr1", "rtmr2", "rtmr3" };
	size_t i;

	simulator_td_init(td);
	hex_into(in, "mrtd", td->mr_td.b, sizeof(td->mr_td.b));
	hex_into(in, "mrconfigid", td->mr_config_id.b, sizeof(td->mr_config_id.b));
	hex_into(in, "report_data", td->report_data, sizeof(td->report_data));
	for (i = 0; i < sizeof(rtmrs) / sizeof(*rtmrs); i++)
		hex_into(in, rtmrs[i], td->rtmr[i].b, sizeof(td->rtmr[i].b));
	td->attributes = json_get_u64(in, "attributes", td->attributes);
}

int main(void)
{
	auto_buf struct buf quote = BUF_MAX(SIMULATOR_QUOTE_MAX),
			    collateral = BUF_MAX(SIMULATOR_COLLATERAL_MAX);
	static char text[INPUT_MAX];
	size_t n = fread(text, 1, sizeof(text), stdin), n_root;
	uint8_t seed[SIMULATOR_SEED_SIZE] = { 0 };
	json_t *in = NULL, *out = json_object(), *j = NULL;
	struct simulator_td td;
	struct simulator *s;
	const uint8_t *root;

	assert(json_parse(text, n, sizeof(text), "stdin", &in, NULL) == 0);
	hex_into(in, "seed", seed, sizeof(seed));
	s = simulator_new(seed);
	fill(in, &td);
	assert(simulator_quote(s, &td, &quote) == 0);
	assert(simulator_collateral(s, (int64_t)json_get_u64(in, "at", 0), &collateral) == 0);
	assert(json_parse(collateral.p, collateral.n, SIMULATOR_COLLATERAL_MAX, "collateral", &j,
			  NULL) == 0);
	root = simulator_root(s, &n_root);
	put_hex(out, "quote", quote.p, quote.n);
	put_hex(out, "root", root, n_root);
	(void)json_object_set_new(out, "collateral", j);
	(void)json_dumpf(out, stdout, JSON_COMPACT);
	json_decref(in);
	json_decref(out);
	simulator_free(s);
	return 0;
}
