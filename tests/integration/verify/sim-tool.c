/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim-tool: a quote of a TD with given registers, its collateral and its root, for tests in Python
 *
 * "sim-tool files FOLDER" writes a firmware and a kernel that are as small as can be; "sim-tool measure FOLDER" tells
 * what the machine of a vm_config (stdin) with the image FOLDER measures.  Without words it
 * reads an object from stdin: seed, mrtd, rtmr0 to rtmr3, mrconfigid, report_data (hex; what is missing is zeros),
 * attributes and at (numbers).  Writes one: quote and root (hex), collateral (an object).
 */
#undef NDEBUG
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "data/sys_vm_config.h"
#include "measure/image_measure.h"
#include "simulator/simulator.h"
#include "store/image.h"
#include "wire/test_firmware.h"
#include "wire/test_kernel.h"

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

static size_t read_stdin(char text[static INPUT_MAX])
{
	size_t n = fread(text, 1, INPUT_MAX, stdin);

	assert(n < INPUT_MAX);
	return n;
}

static json_t *quote_of(const json_t *in)
{
	auto_buf struct buf quote = BUF_MAX(SIMULATOR_QUOTE_MAX),
			    collateral = BUF_MAX(SIMULATOR_COLLATERAL_MAX);
	uint8_t seed[SIMULATOR_SEED_SIZE] = { 0 };
	json_t *out = json_object(), *j = NULL;
	struct simulator_td td;
	struct simulator *s;
	const uint8_t *root;
	size_t n_root;

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
	simulator_free(s);
	return out;
}

static void write_file(const char *folder, const char *name, const void *p, size_t n)
{
	auto_free char *path = xasprintf("%s/%s", folder, name);
	FILE *f = fopen(path, "w");

	assert(f && fwrite(p, 1, n, f) == n && fclose(f) == 0);
}

static json_t *files(const char *folder)
{
	static uint8_t firmware[TEST_FIRMWARE_SIZE], kernel[TEST_KERNEL_SIZE];

	test_firmware(firmware);
	test_kernel(kernel);
	write_file(folder, "ovmf.fd", firmware, sizeof(firmware));
	write_file(folder, "bzImage", kernel, sizeof(kernel));
	return json_object();
}

static json_t *events(const struct measurement *m)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < m->n_events; i++) {
		json_t *o = json_object();

		(void)json_object_set_new(o, "imr", json_integer(m->events[i].imr));
		(void)json_object_set_new(o, "event_type", json_integer(m->events[i].type));
		put_hex(o, "digest", m->events[i].digest.b, sizeof(struct digest384));
		(void)json_object_set_new(o, "event", json_string(""));
		(void)json_object_set_new(o, "event_payload", json_string(""));
		(void)json_array_append_new(list, o);
	}
	return list;
}

static json_t *measure(const char *folder, const char *text, size_t n)
{
	auto_free char *dir = xstrdup(folder);
	char *slash = strrchr(dir, '/');
	struct image_measure_args args = { .tables = NULL };
	struct sys_vm_config vm;
	struct image *im = NULL;
	struct measurement m;
	struct err e = ERR_NONE;
	json_t *doc = NULL, *out = json_object();

	assert(slash);
	*slash = '\0';
	if (image_load(dir, slash + 1, &im, &e) < 0 ||
	    sys_vm_config_parse(text, n, &doc, &vm, &e) < 0 ||
	    machine_of(&vm, &args.machine, &e) < 0 || image_measure(im, &args, &m, NULL, &e) < 0) {
		(void)fprintf(stderr, "%s\n", e.text);
		exit(1);
	}
	put_hex(out, "mrtd", m.mrtd.b, sizeof(m.mrtd.b));
	(void)json_object_set_new(out, "events", events(&m));
	json_decref(doc);
	image_free(im);
	return out;
}

int main(int argc, char **argv)
{
	static char text[INPUT_MAX];
	json_t *in = NULL, *out;
	size_t n;

	if (argc == 3 && str_equal(argv[1], "files")) {
		out = files(argv[2]);
	} else {
		n = read_stdin(text);
		if (argc == 3) {
			out = measure(argv[2], text, n);
		} else {
			assert(json_parse(text, n, sizeof(text), "stdin", &in, NULL) == 0);
			out = quote_of(in);
		}
	}
	(void)json_dumpf(out, stdout, JSON_COMPACT);
	json_decref(in);
	json_decref(out);
	return 0;
}
