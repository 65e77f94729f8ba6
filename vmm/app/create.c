/* SPDX-License-Identifier: Apache-2.0 */
#include "app/create.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "app/app_yaml.h"
#include "app/host_port.h"
#include "data/json.h"

static json_int_t scaled(const struct app *a, const char *path, json_int_t unit)
{
	return json_integer_value(app_get(a, path)) / unit;
}

static json_t *ports_of(const struct app *a)
{
	const json_t *port, *ports = app_get(a, "ports");
	json_t *list = json_array();
	struct host_port hp;
	size_t i;

	json_array_foreach(ports, i, port) {
		if (host_port_parse(json_get_str(port, "host", ""), &hp, NULL) < 0)
			continue; /* app_parse() has refused it */
		(void)json_array_append_new(
			list, json_pack("{s:s, s:s, s:i, s:I}", "protocol",
					json_get_str(port, "protocol", "tcp"), "host_address",
					hp.address, "host_port", (int)hp.port, "vm_port",
					json_integer_value(json_object_get(port, "guest"))));
	}
	return list;
}

/* As the daemon writes a slot: lower case, and no domain where that is 0. */
static json_t *slot_of(const char *text)
{
	char slot[16];
	size_t i;

	if (str_starts(text, "0000:"))
		text += strlen("0000:");
	(void)str_copy(slot, sizeof(slot), text);
	for (i = 0; slot[i]; i++)
		slot[i] = (char)tolower((unsigned char)slot[i]);
	return json_pack("{s:s}", "slot", slot);
}

/* What is not asked for is left out, as in requests of before. */
static void add_hardware(json_t *o, const struct app *a)
{
	const json_t *gpus = app_get(a, "resources.gpus");
	const char *first = json_string_value(json_array_get(gpus, 0));
	bool is_all = first && str_equal(first, "all");
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < json_array_size(gpus) && !is_all; i++) {
		(void)json_array_append_new(list,
					    slot_of(json_string_value(json_array_get(gpus, i))));
	}
	if (json_array_size(gpus)) {
		(void)json_object_set_new(o, "gpus",
					  json_pack("{s:O, s:s}", "gpus", list, "attach_mode",
						    is_all ? "all" : "listed"));
	}
	json_decref(list);
	if (json_is_true(app_get(a, "resources.hugepages")))
		(void)json_object_set_new(o, "hugepages", json_true());
	if (json_is_true(app_get(a, "resources.pin_numa")))
		(void)json_object_set_new(o, "pin_numa", json_true());
}

/* What the VM is to others if it is a gateway. */
static json_t *gateway_of(const struct app *a)
{
	return json_pack("{s:s, s:I, s:s, s:s}", "domain", app_str(a, "gateway_service.domain"),
			 "port", json_integer_value(app_get(a, "gateway_service.port")), "url",
			 app_str(a, "gateway_service.url"), "admin",
			 app_str(a, "gateway_service.admin"));
}

json_t *create_request(const struct app *a, const char *image, bool is_stopped)
{
	const char *tee = app_str(a, "tee"), *app_id = app_str(a, "app_id");
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "name", app_str(a, "name"),
			      "image", image, "compose_file", a->compose, "user_config",
			      a->user_config, "vcpu", scaled(a, "resources.cpus", 1), "memory",
			      scaled(a, "resources.memory", 1 << 20), "disk_size",
			      scaled(a, "resources.disk", 1 << 30));

	(void)json_object_set_new(o, "ports", ports_of(a));
	(void)json_object_set_new(o, "no_tee", json_boolean(!str_equal(tee, "tdx")));
	(void)json_object_set_new(o, "simulated_tee",
				  str_equal(tee, "simulated") ? json_string("dstack-tdx")
							      : json_null());
	(void)json_object_set_new(o, "stopped", json_boolean(is_stopped));
	(void)json_object_set(o, "kms_urls", json_object_get(a->doc, "kms_urls"));
	(void)json_object_set(o, "gateway_urls", json_object_get(a->doc, "gateway_urls"));
	if (app_get(a, "gateway_service"))
		(void)json_object_set_new(o, "gateway_service", gateway_of(a));
	if (*app_id)
		(void)json_object_set_new(o, "app_id", json_string(app_id));
	if (a->sealed)
		(void)json_object_set_new(o, "encrypted_env", json_string(a->sealed));
	add_hardware(o, a);
	return o;
}

/* The first three numbers of "0.6.0", each capped, as one that compares. */
static uint64_t version_rank(const char *version)
{
	uint64_t rank = 0, n;
	int i;

	for (i = 0; i < 3; i++) {
		for (n = 0; *version >= '0' && *version <= '9'; version++)
			n = n < 65535 ? n * 10 + (uint64_t)(*version - '0') : n;
		rank = rank << 20 | (n & 0xfffff);
		version += *version == '.';
	}
	return rank;
}

/* Of one version: bailey-0.1.0 before bailey-kms-0.1.0, which has a purpose of its own; then the later name. */
static bool is_preferred(const char *name, const char *best)
{
	size_t n = strlen(name), n_best = strlen(best);

	return n == n_best ? strcmp(name, best) > 0 : n < n_best;
}

const char *create_newest_image(const json_t *images)
{
	const char *name, *best = NULL;
	uint64_t rank, best_rank = 0;
	const json_t *image;
	size_t i;

	json_array_foreach(images, i, image) {
		name = json_get_str(image, "name", "");
		rank = version_rank(json_get_str(image, "version", ""));
		if (!best || rank > best_rank || (rank == best_rank && is_preferred(name, best))) {
			best = name;
			best_rank = rank;
		}
	}
	return best;
}
