/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "store/manifest.h"

/* The example of dstack's own manifest, with a port for each protocol. */
static const char example[] =
	"{\"id\":\"3f2504e0-4f89-41d3-9a0c-0305e82c3301\",\"name\":\"web\","
	"\"app_id\":\"434bc71340e4e07f64c528c878b99b62a2899939\",\"vcpu\":2,\"memory\":2048,"
	"\"disk_size\":20,\"image\":\"dstack-0.6.0\",\"port_map\":[{\"address\":\"127.0.0.1\","
	"\"protocol\":\"tcp\",\"from\":8080,\"to\":80}],\"created_at_ms\":1785500000000,"
	"\"hugepages\":false,\"pin_numa\":false,\"gpus\":{\"attach_mode\":\"listed\",\"gpus\":[],"
	"\"bridges\":[]},\"kms_urls\":[],\"gateway_urls\":[],\"no_tee\":false,\"swtpm\":false,"
	"\"volumes\":[]}";

static int read_text(const char *text, struct manifest *m, struct err *e)
{
	json_t *j;
	int rc = json_parse(text, strlen(text), MANIFEST_MAX, "test", &j, e);

	assert(!rc);
	rc = manifest_from_json(j, m, e);
	json_decref(j);
	return rc;
}

static char *write_text(const struct manifest *m)
{
	json_t *j = manifest_to_json(m);
	char *text = json_compact(j);

	json_decref(j);
	return text;
}

static void test_example_is_read_and_written_back_byte_for_byte(void)
{
	auto_manifest struct manifest m = MANIFEST_NULL;
	auto_free char *text = NULL;

	assert(!read_text(example, &m, NULL));
	assert(str_equal(m.name, "web") && m.vcpu == 2 && m.memory == 2048);
	assert(m.n_ports == 1 && !m.ports[0].is_udp && m.ports[0].from == 8080 &&
	       m.ports[0].to == 80);
	text = write_text(&m);
	assert(str_equal(text, example));
}

static void test_lone_networking_is_a_list_of_one(void)
{
	auto_manifest struct manifest m = MANIFEST_NULL;
	auto_free char *text = NULL;
	json_t *j;

	assert(!json_parse(example, sizeof(example) - 1, MANIFEST_MAX, "x", &j, NULL));
	assert(!json_object_set_new(j, "networks", json_array()));
	assert(!json_object_set_new(j, "networking",
				    json_pack("{s:s, s:s}", "mode", "bridge", "bridge", "br0")));
	assert(!manifest_from_json(j, &m, NULL));
	json_decref(j);
	assert(m.n_networks == 1 && str_equal(m.networks[0].bridge, "br0"));
	text = write_text(&m);
	assert(strstr(text, "\"networks\":[{\"mode\":\"bridge\""));
	assert(strstr(text, "\"networking\":{\"mode\":\"bridge\""));
}

static void test_unknown_keys_survive_a_rewrite(void)
{
	auto_manifest struct manifest m = MANIFEST_NULL, copy = MANIFEST_NULL;
	auto_free char *text = NULL;
	json_t *j;

	assert(!json_parse(example, sizeof(example) - 1, MANIFEST_MAX, "x", &j, NULL));
	assert(!json_object_set_new(j, "from_the_future", json_true()));
	assert(!manifest_from_json(j, &m, NULL));
	json_decref(j);
	manifest_copy(&m, &copy);
	text = write_text(&copy);
	assert(strstr(text, "\"from_the_future\":true"));
}

/* Replace @key of the example by the JSON @value ("" removes it); it must be refused, naming @word. */
static void refuse(const char *key, const char *value, const char *word)
{
	auto_manifest struct manifest m = MANIFEST_NULL;
	struct err e = ERR_NONE;
	json_t *j, *v;

	assert(!json_parse(example, sizeof(example) - 1, MANIFEST_MAX, "x", &j, NULL));
	if (*value) {
		assert(!json_parse(value, strlen(value), MANIFEST_MAX, "v", &v, NULL));
		assert(!json_object_set_new(j, key, v));
	} else {
		assert(!json_object_del(j, key));
	}
	assert(manifest_from_json(j, &m, &e) < 0);
	if (!strstr(e.text, word))
		(void)fprintf(stderr, "%s: \"%s\" does not say \"%s\"\n", key, e.text, word);
	assert(strstr(e.text, word));
	assert(!m.name && !m.n_ports);
	json_decref(j);
}

#define GATEWAY(domain, port, url)                                                                 \
	"{\"domain\":\"" domain "\",\"port\":" port ",\"url\":\"" url "\",\"admin\":\"\"}"

static void test_a_gateway_survives_a_copy(void)
{
	auto_manifest struct manifest m = MANIFEST_NULL, copy = MANIFEST_NULL;
	auto_free char *text = NULL;
	json_t *j, *g;

	assert(!json_parse(example, sizeof(example) - 1, MANIFEST_MAX, "x", &j, NULL));
	assert(!json_parse(GATEWAY("a.b", "8443", "https://g:1"),
			   sizeof(GATEWAY("a.b", "8443", "https://g:1")) - 1, MANIFEST_MAX, "g", &g,
			   NULL));
	assert(!json_object_set_new(j, "gateway_service", g));
	assert(!manifest_from_json(j, &m, NULL));
	json_decref(j);
	manifest_copy(&m, &copy);
	assert(str_equal(copy.gateway->domain, "a.b") && copy.gateway->port == 8443);
	assert(str_equal(copy.gateway->url, "https://g:1") && str_equal(copy.gateway->admin, ""));
	manifest_set_gateway(&copy, NULL, 0, NULL, NULL);
	text = write_text(&copy);
	assert(!copy.gateway && !strstr(text, "gateway_service"));
}

static void test_wrong_values_are_refused_by_name(void)
{
	refuse("id", "", "id");
	refuse("id", "\"../etc\"", "id");
	refuse("id", "\"\"", "id");
	refuse("name", "", "name");
	refuse("name", "7", "name");
	refuse("vcpu", "-1", "vcpu");
	refuse("memory", "4294967296", "memory");
	refuse("disk_size", "\"20\"", "disk_size");
	refuse("port_map", "", "port_map");
	refuse("port_map", "{}", "port_map");
	refuse("port_map", "[{\"protocol\":\"tcp\",\"from\":65536,\"to\":1}]", "from");
	refuse("port_map", "[{\"protocol\":\"sctp\",\"from\":1,\"to\":1}]", "protocol");
	refuse("port_map", "[7]", "from");
	refuse("kms_urls", "[1]", "kms_urls");
	refuse("kms_urls", "\"http://x\"", "kms_urls");
	refuse("volumes", "[{\"target\":\"/x\"}]", "volumes");
	refuse("gpus", "[]", "gpus");
	refuse("networks", "[{\"bridge\":\"br0\"}]", "networks");
	refuse("no_tee", "\"yes\"", "no_tee");
	refuse("created_at_ms", "-5", "created_at_ms");
	refuse("gateway_service", "7", "gateway_service");
	refuse("gateway_service", "null", "gateway_service");
	refuse("gateway_service", GATEWAY("A", "443", "https://g"), "domain");
	refuse("gateway_service", GATEWAY("a", "0", "https://g"), "port");
	refuse("gateway_service", GATEWAY("a", "65536", "https://g"), "port");
	refuse("gateway_service", GATEWAY("a", "443", "g"), "URL");
}

static void test_ids_are_fit_for_a_folder(void)
{
	char long_id[VM_ID_MAX + 2];

	memset(long_id, 'a', sizeof(long_id));
	long_id[VM_ID_MAX + 1] = 0;
	assert(!vm_id_is_valid(long_id));
	long_id[VM_ID_MAX] = 0;
	assert(vm_id_is_valid(long_id));
	assert(!vm_id_is_valid(""));
	assert(!vm_id_is_valid("."));
	assert(!vm_id_is_valid("a/b"));
	assert(!vm_id_is_valid("a b"));
	assert(!vm_id_is_valid("ä"));
}

static void test_a_list_is_bounded(void)
{
	auto_manifest struct manifest m = MANIFEST_NULL;
	int i;

	for (i = 0; i < MANIFEST_LIST_MAX; i++)
		assert(!manifest_list_add(&m.kms_urls, "https://kms", NULL));
	assert(manifest_list_add(&m.kms_urls, "https://kms", NULL) == ERR_LIMIT);
}

int main(void)
{
	test_example_is_read_and_written_back_byte_for_byte();
	test_lone_networking_is_a_list_of_one();
	test_unknown_keys_survive_a_rewrite();
	test_a_gateway_survives_a_copy();
	test_wrong_values_are_refused_by_name();
	test_ids_are_fit_for_a_folder();
	test_a_list_is_bounded();
	return 0;
}
