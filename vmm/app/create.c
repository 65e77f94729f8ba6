/* SPDX-License-Identifier: Apache-2.0 */
#include "app/create.h"

#include <stdint.h>
#include <string.h>

#include "base/str.h"
#include "app/app_yaml.h"
#include "app/host_port.h"
#include "data/json.h"

enum { SIMULATED_SHOWN = 64 };

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
	if (*app_id)
		(void)json_object_set_new(o, "app_id", json_string(app_id));
	return o;
}

/* An absent list or text is an empty one; null is absent. */
static bool same(const json_t *a, const json_t *b)
{
	bool no_a = !a || json_is_null(a) || (json_is_array(a) && !json_array_size(a)) ||
		    (json_is_string(a) && !json_string_length(a));
	bool no_b = !b || json_is_null(b) || (json_is_array(b) && !json_array_size(b)) ||
		    (json_is_string(b) && !json_string_length(b));

	return (no_a && no_b) || json_equal(a, b);
}

static void say(const char *key, const char *shown, const json_t *here, const json_t *there,
		char *ret, size_t size)
{
	size_t at = strlen(ret);
	const char *comma = at ? ", " : "";

	if (json_is_integer(here) && json_is_integer(there)) {
		(void)str_format(ret + at, size - at, "%s%s (%lld there, %lld here)", comma, shown,
				 (long long)json_integer_value(there),
				 (long long)json_integer_value(here));
	} else if (str_equal(key, "image")) {
		(void)str_format(ret + at, size - at, "%s%s (%.40s there, %.40s here)", comma,
				 shown,
				 json_string_value(there) ? json_string_value(there) : "none",
				 json_string_value(here));
	} else {
		(void)str_format(ret + at, size - at, "%s%s", comma, shown);
	}
}

size_t create_differs(const json_t *request, const json_t *configuration, bool with_image,
		      char *ret, size_t size)
{
	static const struct {
		const char *key, *shown;
	} keys[] = {
		{ "image", "image" },
		{ "compose_file", "app" },
		{ "vcpu", "cpus" },
		{ "memory", "memory in MiB" },
		{ "disk_size", "disk in GiB" },
		{ "ports", "ports" },
		{ "user_config", "user_config" },
		{ "no_tee", "tee" },
		{ "simulated_tee", "tee" },
		{ "kms_urls", "kms_urls" },
		{ "gateway_urls", "gateway_urls" },
	};
	const json_t *here, *there;
	size_t i, n = 0;

	ret[0] = 0;
	for (i = with_image ? 0 : 1; i < sizeof(keys) / sizeof(keys[0]); i++) {
		here = json_object_get(request, keys[i].key);
		there = json_object_get(configuration, keys[i].key);
		if (same(here, there))
			continue;
		if (!str_equal(keys[i].key, "simulated_tee") || !strstr(ret, "tee"))
			say(keys[i].key, keys[i].shown, here, there, ret, size);
		n++;
	}
	return n;
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

const char *create_newest_image(const json_t *images)
{
	const char *name, *best = NULL;
	uint64_t rank, best_rank = 0;
	const json_t *image;
	size_t i;

	json_array_foreach(images, i, image) {
		name = json_get_str(image, "name", "");
		rank = version_rank(json_get_str(image, "version", ""));
		if (!best || rank > best_rank || (rank == best_rank && strcmp(name, best) > 0)) {
			best = name;
			best_rank = rank;
		}
	}
	return best;
}
