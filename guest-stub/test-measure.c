/* SPDX-License-Identifier: Apache-2.0 */
/* test-measure: identities against published values; boot events in their order */
#include "guest-stub/measure.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/instance_info.h"
#include "data/json.h"
#include "tee/registers.h"
#include "tee/runtime_log.h"

#define APP_ID "1111111111111111111111111111111111111111"

static uint8_t seed[MEASURE_ID_SIZE];
static struct instance_id app_id = { .n = MEASURE_ID_SIZE };
static const struct instance_id no_id = { .n = 0 };

static void expect_hex(const void *p, size_t n, const char *want)
{
	char hex[129];

	str_hex(hex, p, n);
	assert(str_equal(hex, want));
}

static void test_instance_id_is_the_published_one(void)
{
	struct measure_identity id;

	assert(measure_identity_of("{}", 2, &app_id, seed, true, &id, NULL) == 0);
	expect_hex(id.app_id, sizeof(id.app_id), APP_ID);
	expect_hex(id.instance_id, sizeof(id.instance_id),
		   "aa19dab95b0417f0791045eb2acafbbc0a840749");
}

static void test_app_id_is_the_start_of_the_compose_hash_unless_given(void)
{
	struct measure_identity id;

	assert(measure_identity_of("{}", 2, &no_id, seed, true, &id, NULL) == 0);
	expect_hex(id.compose_hash.b, 32,
		   "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
	expect_hex(id.app_id, sizeof(id.app_id), "44136fa355b3678a1146ad16f7e8649e94fb4fc2");
}

static void test_bad_app_id_is_refused(void)
{
	const struct instance_id shorter = { .n = 2 }, longer = { .n = MEASURE_ID_SIZE + 1 };
	struct measure_identity id;
	struct err e = ERR_NONE;

	assert(measure_identity_of("{}", 2, &shorter, seed, true, &id, &e) == ERR_PROTO);
	assert(str_equal(e.text, "Invalid app id length: expected 20 bytes, got 2"));
	assert(measure_identity_of("{}", 2, &longer, seed, true, &id, &e) == ERR_PROTO);
}

static void test_instance_info_is_dstacks(void)
{
	struct measure_identity id;
	auto_free char *with = NULL, *without = NULL;

	assert(measure_identity_of("{}", 2, &app_id, seed, true, &id, NULL) == 0);
	with = measure_instance_info(&id);
	assert(str_equal(with, "{\"instance_id_seed\":\"abababababababababababababababababababab\","
			       "\"instance_id\":\"aa19dab95b0417f0791045eb2acafbbc0a840749\","
			       "\"app_id\":\"" APP_ID "\"}"));
	assert(measure_identity_of("{}", 2, &app_id, seed, false, &id, NULL) == 0);
	without = measure_instance_info(&id);
	assert(strstr(without, "\"instance_id\":\"\""));
}

static void test_gpu_policy_is_canonical(void)
{
	struct digest256 none = measure_gpu_policy(NULL), d;
	json_t *j = NULL;

	expect_hex(none.b, 32, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
	assert(json_parse("{\"b\": 1, \"a\":2}", 15, 100, "x", &j, NULL) == 0);
	d = measure_gpu_policy(j);
	json_decref(j);
	/* SHA-256 of {"a":2,"b":1} */
	expect_hex(d.b, 32, "d3626ac30a87e6f7a6428233b3c68299976865fa5508e4267c5415c76af7a772");
}

static void test_boot_events_in_dstacks_order(void)
{
	static const char *const want[] = { "system-preparing", "app-id",
					    "compose-hash",	"init-script-hash",
					    "init-script-hash", "gpu-policy-hash",
					    "instance-id",	"boot-mr-done" };
	static const char *const files[] = { "runtime_event_version", "runtime_event.lock",
					     "runtime_events.log", "rtmr3:sha384" };
	struct measure_app app = { .init_scripts = { "echo a", "echo b" }, .n_init_scripts = 2 };
	auto_event_log struct event_log log = { 0 };
	char dir[] = "/tmp/bailey-measure-XXXXXX";
	struct measure_identity id;
	struct digest256 script = digest256_bytes("echo b", 6);
	struct registers r;
	struct tee t = registers_tee(&r);
	size_t i;

	assert(mkdtemp(dir));
	r.dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(r.dirfd >= 0);
	assert(measure_identity_of("{}", 2, &app_id, seed, false, &id, NULL) == 0);
	assert(runtime_log_init(r.dirfd, 1, NULL) == 0);
	assert(measure_boot(r.dirfd, &t, &id, &app, NULL) == 0);
	assert(runtime_log_read(r.dirfd, &log, NULL) == 0);
	assert(log.n == sizeof(want) / sizeof(want[0]));
	for (i = 0; i < log.n; i++)
		assert(str_equal(log.events[i].name, want[i]));
	assert(log.events[4].n_payload == 32 && memcmp(log.events[4].payload, script.b, 32) == 0);
	assert(log.events[6].n_payload == 0); /* no instance id was wanted */
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		assert(unlinkat(r.dirfd, files[i], 0) == 0);
	(void)fd_close(r.dirfd);
	assert(rmdir(dir) == 0);
}

int main(void)
{
	memset(seed, 0xab, sizeof(seed));
	memset(app_id.b, 0x11, MEASURE_ID_SIZE);
	test_instance_id_is_the_published_one();
	test_app_id_is_the_start_of_the_compose_hash_unless_given();
	test_bad_app_id_is_refused();
	test_instance_info_is_dstacks();
	test_gpu_policy_is_canonical();
	test_boot_events_in_dstacks_order();
	return 0;
}
