/* SPDX-License-Identifier: Apache-2.0 */
/* Test changes: each field that an app can change of a VM, as a line and as a request; what cannot be changed. */
#undef NDEBUG
#include "app/changes.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "app/app_yaml.h"
#include "app/create.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"

static void load(const char *text, struct app *a)
{
	struct err e = ERR_NONE;

	if (app_parse(text, strlen(text), "app.yaml", ".", a, &e) < 0)
		(void)fprintf(stderr, "%s\n", e.text);
	assert(e.code == 0);
}

/* The configuration of a VM that @yaml made. */
static json_t *vm_of(const char *yaml)
{
	auto_app struct app a = APP_NULL;
	json_t *j;

	load(yaml, &a);
	j = create_request(&a, "old", false);
	if (!json_object_get(j, "app_id"))
		(void)json_object_set_new(j, "app_id", json_stringn(a.hash, 40));
	return j;
}

/* "field: from -> to" a line, and then the keys of the request. */
static void add_text(const struct changes *c, struct buf *b)
{
	const char *key;
	json_t *v;
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (!strstr(c->list[i].field, "hash"))
			assert(!buf_addf(b, "%s: %s -> %s\n", c->list[i].field,
					 c->list[i].from ? c->list[i].from : "(none)",
					 c->list[i].to ? c->list[i].to : "(none)"));
	}
	json_object_foreach(c->request, key, v) {
		auto_free char *text = json_is_string(v) ? xstrdup("...") : json_compact(v);

		assert(!buf_addf(b, "%s=%s\n", key, text));
	}
	assert(!buf_add(b, "", 1));
}

static void changes_are(const char *there, const char *here, const char *want)
{
	auto_changes struct changes c = CHANGES_NULL;
	auto_buf struct buf b = BUF_MAX(65536);
	auto_app struct app a = APP_NULL;
	json_t *configuration = vm_of(there);

	load(here, &a);
	changes_find(&a, configuration, &c);
	add_text(&c, &b);
	if (!str_equal((const char *)b.p, want))
		(void)fprintf(stderr, "got:\n%sexpected:\n%s", (const char *)b.p, want);
	assert(str_equal((const char *)b.p, want) && !*c.refusal);
	json_decref(configuration);
}

#define PLAIN "name: x\ntee: none\n"

static void test_each_field(void)
{
	changes_are(PLAIN, PLAIN, "");
	changes_are(PLAIN, PLAIN "image: new\n", "image: old -> new\nimage=...\n");
	changes_are(PLAIN, PLAIN "image: old\n", "");
	changes_are(PLAIN, PLAIN "resources: { cpus: 2, memory: 2G, disk: 30G }\n",
		    "cpus: 1 -> 2\nmemory: 1024 MiB -> 2048 MiB\ndisk: 20 GiB -> 30 GiB\n"
		    "vcpu=2\nmemory=2048\ndisk_size=30\n");
	changes_are("name: x\ntee: tdx\n", PLAIN, "tee: tdx -> none\nno_tee=true\n");
	changes_are(PLAIN, "name: x\n", "tee: none -> tdx\nno_tee=false\n");
	changes_are(PLAIN, PLAIN "kms_urls: [ https://k:1 ]\n",
		    "kms_urls: (none) -> [\"https://k:1\"]\nupdate_kms_urls=true\n"
		    "kms_urls=[\"https://k:1\"]\n");
	changes_are(PLAIN "gateway_urls: [ https://g:1 ]\n", PLAIN,
		    "gateway_urls: [\"https://g:1\"] -> (none)\nupdate_gateway_urls=true\n"
		    "gateway_urls=[]\n");
	changes_are(PLAIN, PLAIN "resources: { gpus: [ \"18:00.0\" ] }\n",
		    "gpus: (none) -> [{\"slot\":\"18:00.0\"}]\n"
		    "gpus={\"gpus\":[{\"slot\":\"18:00.0\"}],\"attach_mode\":\"listed\"}\n");
	changes_are(PLAIN "resources: { gpus: [ all ] }\n", PLAIN,
		    "gpus: all -> (none)\ngpus={\"gpus\":[],\"attach_mode\":\"listed\"}\n");
	changes_are(PLAIN "resources: { gpus: [ \"0000:AF:00.0\" ] }\n",
		    PLAIN "resources: { gpus: [ \"af:00.0\" ] }\n", "");
	changes_are(PLAIN "user_config: abc\n", PLAIN "user_config: abd\n",
		    "user_config: 3 bytes -> 3 bytes, other\nuser_config=...\n");
	changes_are(PLAIN "user_config: abc\n", PLAIN,
		    "user_config: 3 bytes -> (none)\nclear_user_config=true\n");
}

#define LABEL	  "a123456789b123456789c123456789d123456789e123456789f123456789."
#define LONG_HOST LABEL LABEL LABEL "example"
#define LONG_URL(port)                                                                             \
	PLAIN "gateway_service: { domain: a.b, url: \"https://" LONG_HOST ":" port "\" }\n"

static void test_gateway_service(void)
{
	static const char gateway[] =
		PLAIN "gateway_service: { domain: a.b, url: \"https://10.0.2.2:1\" }\n";
	static const char moved[] = PLAIN "gateway_service: { domain: a.b, port: 8443, url: "
					  "\"https://10.0.2.2:1\", admin: \"https://[::1]:2\" }\n";

	changes_are(gateway, gateway, "");
	changes_are(PLAIN, gateway,
		    "gateway_service: (none) -> a.b:443 at https://10.0.2.2:1\n"
		    "update_gateway_service=true\ngateway_service={\"domain\":\"a.b\","
		    "\"port\":443,\"url\":\"https://10.0.2.2:1\",\"admin\":\"\"}\n");
	changes_are(gateway, moved,
		    "gateway_service: a.b:443 at https://10.0.2.2:1 -> a.b:8443 at "
		    "https://10.0.2.2:1, admin https://[::1]:2\n"
		    "update_gateway_service=true\ngateway_service={\"domain\":\"a.b\","
		    "\"port\":8443,\"url\":\"https://10.0.2.2:1\",\"admin\":"
		    "\"https://[::1]:2\"}\n");
	changes_are(LONG_URL("1"), LONG_URL("1"), "");
	changes_are(LONG_URL("1"), LONG_URL("2"),
		    "gateway_service: a.b:443 at https://" LONG_HOST ":1 -> a.b:443 at "
		    "https://" LONG_HOST ":2\n"
		    "update_gateway_service=true\ngateway_service={\"domain\":\"a.b\","
		    "\"port\":443,\"url\":\"https://" LONG_HOST ":2\",\"admin\":\"\"}\n");
	changes_are(gateway, PLAIN,
		    "gateway_service: a.b:443 at https://10.0.2.2:1 -> (none)\n"
		    "update_gateway_service=true\n");
}

static void test_ports_as_a_set(void)
{
	static const char a_and_b[] = PLAIN "ports: [ { host: \"1\", guest: 1 }, { host: "
					    "\"[::1]:2\", guest: 2, protocol: udp } ]\n";
	static const char b_and_a[] = PLAIN "ports: [ { host: \"[::1]:2\", guest: 2, protocol: udp "
					    "}, { host: \"1\", guest: 1 } ]\n";

	changes_are(a_and_b, b_and_a, "");
	changes_are(a_and_b, PLAIN,
		    "ports: 127.0.0.1:1 to 1/tcp -> (none)\nports: [::1]:2 to 2/udp -> (none)\n"
		    "update_ports=true\nports=[]\n");
	changes_are(PLAIN, PLAIN "ports: [ { host: \"0.0.0.0:9\", guest: 8 } ]\n",
		    "ports: (none) -> 0.0.0.0:9 to 8/tcp\nupdate_ports=true\n"
		    "ports=[{\"protocol\":\"tcp\",\"host_address\":\"0.0.0.0\",\"host_port\":9,"
		    "\"vm_port\":8}]\n");
}

static void test_the_app_by_its_hash_and_its_keys(void)
{
	auto_changes struct changes c = CHANGES_NULL;
	auto_app struct app a = APP_NULL;
	json_t *configuration = vm_of(PLAIN "app: { runner: bash, script: a }\n");

	changes_are(PLAIN "app: { runner: bash, script: a }\n",
		    PLAIN "app: { runner: bash, script: b }\nenv: [ A ]\n",
		    "app.allowed_envs: [] -> [\"A\"]\napp.bash_script: a -> b\ncompose_file=...\n");
	load(PLAIN "app: { runner: bash, script: b }\n", &a);
	changes_find(&a, configuration, &c);
	assert(c.n == 2 && str_equal(c.list[0].field, "compose hash"));
	assert(strlen(c.list[0].from) == 64 && str_equal(c.list[0].to, a.hash));
	json_decref(configuration);
}

static void cannot(const char *there, const char *here, const char *word)
{
	auto_changes struct changes c = CHANGES_NULL;
	auto_app struct app a = APP_NULL;
	json_t *configuration = vm_of(there);

	load(here, &a);
	changes_find(&a, configuration, &c);
	if (!strstr(c.refusal, word))
		(void)fprintf(stderr, "%s\n", c.refusal);
	assert(c.n && strstr(c.refusal, word));
	json_decref(configuration);
}

static void test_what_cannot_be_changed(void)
{
	cannot(PLAIN, PLAIN "resources: { disk: 10G }\n", "disk: from 20 GiB to 10 GiB: ");
	cannot(PLAIN, "name: x\ntee: simulated\n", "tee: from none to simulated: ");
	cannot("name: x\ntee: simulated\n", "name: x\n", "tee: from simulated to tdx: ");
	cannot(PLAIN, PLAIN "app_id: 00112233445566778899aabbccddeeff00112233\n", "app_id: from ");
}

static void test_json(void)
{
	auto_changes struct changes c = CHANGES_NULL;
	auto_app struct app a = APP_NULL;
	json_t *configuration = vm_of(PLAIN "user_config: abc\n"), *list;
	auto_free char *text = NULL;

	load(PLAIN "resources: { cpus: 2 }\n", &a);
	changes_find(&a, configuration, &c);
	list = changes_json(&c);
	text = json_compact(list);
	assert(str_equal(text, "[{\"field\":\"cpus\",\"from\":\"1\",\"to\":\"2\"},"
			       "{\"field\":\"user_config\",\"from\":\"3 bytes\",\"to\":null}]"));
	json_decref(list);
	json_decref(configuration);
}

/* A VM of another client, or of no shape at all. */
static void test_a_strange_configuration(void)
{
	auto_changes struct changes c = CHANGES_NULL;
	auto_app struct app a = APP_NULL;
	json_t *strange = json_pack("{s:i, s:[i,s], s:s, s:b}", "image", 7, "ports", 1, "x",
				    "compose_file", "no json", "memory", 1);

	load(PLAIN, &a);
	changes_find(&a, strange, &c);
	assert(c.n > 3 && c.request);
	changes_deinit(&c);
	changes_find(&a, NULL, &c);
	assert(c.n > 3 && c.request);
	json_decref(strange);
}

int main(void)
{
	test_each_field();
	test_gateway_service();
	test_ports_as_a_set();
	test_the_app_by_its_hash_and_its_keys();
	test_what_cannot_be_changed();
	test_json();
	test_a_strange_configuration();
	return 0;
}
