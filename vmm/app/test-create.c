/* SPDX-License-Identifier: Apache-2.0 */
/* Test create: the request that an app becomes, and the newest image. */
#undef NDEBUG
#include "app/create.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/str.h"
#include "app/app_yaml.h"
#include "app/host_port.h"
#include "data/json.h"

static void load(const char *text, struct app *a)
{
	struct err e = ERR_NONE;

	if (app_parse(text, strlen(text), "app.yaml", ".", a, &e) < 0)
		(void)fprintf(stderr, "%s\n", e.text);
	assert(e.code == 0);
}

static json_t *parse(const char *text)
{
	json_t *j = NULL;

	assert(json_parse(text, strlen(text), 65536, "test", &j, NULL) == 0);
	return j;
}

static void test_request(void)
{
	auto_app struct app a = APP_NULL;
	json_t *request, *want;

	load("name: web\ntee: simulated\nresources: { cpus: 2, memory: 1536M, disk: 3G }\n"
	     "ports: [ { host: \"[::1]:53\", guest: 5353, protocol: udp } ]\nuser_config: u\n"
	     "kms_urls: [ https://k:1 ]\n",
	     &a);
	request = create_request(&a, "bailey-0.1.0", true);
	assert(str_equal(json_get_str(request, "compose_file", ""), a.compose));
	(void)json_object_del(request, "compose_file");
	want = parse(
		"{\"name\":\"web\",\"image\":\"bailey-0.1.0\",\"user_config\":\"u\",\"vcpu\":2,"
		"\"memory\":1536,\"disk_size\":3,\"ports\":[{\"protocol\":\"udp\",\"host_address\":"
		"\"::1\",\"host_port\":53,\"vm_port\":5353}],\"no_tee\":true,\"simulated_tee\":"
		"\"dstack-tdx\",\"stopped\":true,\"kms_urls\":[\"https://k:1\"],"
		"\"gateway_urls\":[]}");
	assert(json_equal(request, want));
	json_decref(request);
	json_decref(want);
}

static void hardware_is(const char *resources, const char *want)
{
	auto_free char *text = xasprintf("name: x\nresources: %s\n", resources);
	auto_app struct app a = APP_NULL;
	json_t *request, *expected = parse(want);
	const char *key;
	json_t *v;

	load(text, &a);
	request = create_request(&a, "i", false);
	json_object_foreach(expected, key, v)
		assert(json_equal(json_object_get(request, key), v));
	assert(json_object_size(expected) ==
	       !!json_object_get(request, "gpus") +
		       (size_t) !!json_object_get(request, "hugepages") +
		       (size_t) !!json_object_get(request, "pin_numa"));
	json_decref(request);
	json_decref(expected);
}

static void test_hardware(void)
{
	hardware_is("{ cpus: 1 }", "{}");
	hardware_is("{ gpus: [], hugepages: false }", "{}");
	hardware_is("{ hugepages: true, pin_numa: true }",
		    "{\"hugepages\":true,\"pin_numa\":true}");
	hardware_is("{ gpus: [ all ] }", "{\"gpus\":{\"gpus\":[],\"attach_mode\":\"all\"}}");
	hardware_is("{ gpus: [ \"0000:AF:00.0\", \"0001:18:00.1\" ] }",
		    "{\"gpus\":{\"gpus\":[{\"slot\":\"af:00.0\"},{\"slot\":\"0001:18:00.1\"}],"
		    "\"attach_mode\":\"listed\"}}");
}

static void tee_is(const char *yaml, bool no_tee, const char *simulated)
{
	auto_app struct app a = APP_NULL;
	json_t *request;

	load(yaml, &a);
	request = create_request(&a, "i", false);
	assert((json_get_bool(request, "no_tee", 0) != 0) == no_tee);
	assert(str_equal(json_get_str(request, "simulated_tee", "null"), simulated));
	json_decref(request);
}

static void test_tee(void)
{
	tee_is("name: x\n", false, "null");
	tee_is("name: x\ntee: tdx\n", false, "null");
	tee_is("name: x\ntee: none\n", true, "null");
	tee_is("name: x\ntee: simulated\n", true, "dstack-tdx");
}

static void newest(const char *images, const char *want)
{
	json_t *j = parse(images);
	const char *got = create_newest_image(j);

	assert(str_equal(got ? got : "", want));
	json_decref(j);
}

static void test_newest_image(void)
{
	newest("[]", "");
	newest("[{\"name\":\"a\",\"version\":\"0.6.0\"},{\"name\":\"b\",\"version\":\"0.10.0\"},"
	       "{\"name\":\"c\",\"version\":\"0.9.99\"}]",
	       "b");
	newest("[{\"name\":\"bailey-0.1.0\",\"version\":\"0.6.0\"},{\"name\":\"bailey-0.2.0\","
	       "\"version\":\"0.6.0\"}]",
	       "bailey-0.2.0");
	newest("[{\"name\":\"bailey-0.1.0\",\"version\":\"0.6.0\"},"
	       "{\"name\":\"bailey-kms-0.1.0\",\"version\":\"0.6.0\"}]",
	       "bailey-0.1.0");
	newest("[{\"name\":\"a\",\"version\":\"\"},{\"name\":\"b\"}]", "b");
}

static void parses(const char *text, const char *address, unsigned int port)
{
	struct host_port hp;

	assert(host_port_parse(text, &hp, NULL) == 0);
	assert(str_equal(hp.address, address) && hp.port == port);
}

static void test_host_port(void)
{
	static const char *const bad[] = { "",
					   "80x",
					   "127.0.0.1",
					   "127.0.0.1:",
					   ":80",
					   "::1:80",
					   "[::1]80",
					   "[127.0.0.1]:80",
					   "localhost:80",
					   "127.0.0.1:65536",
					   "127.0.0.1:0",
					   "[]:80",
					   "[:80",
					   "-1",
					   "1.2.3.4.5:80" };
	size_t i;

	parses("80", "127.0.0.1", 80);
	parses("0.0.0.0:65535", "0.0.0.0", 65535);
	parses("[::1]:53", "::1", 53);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct host_port hp;

		if (host_port_parse(bad[i], &hp, NULL) != ERR_INPUT)
			(void)fprintf(stderr, "%s\n", bad[i]);
		assert(host_port_parse(bad[i], &hp, NULL) == ERR_INPUT);
	}
}

int main(void)
{
	test_request();
	test_hardware();
	test_tee();
	test_newest_image();
	test_host_port();
	return 0;
}
