/* SPDX-License-Identifier: Apache-2.0 */
/* test-about: what PID 1 writes is what the agent tells */
#include "guest-stub/about.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"
#include "data/app_compose.h"
#include "data/instance_info.h"
#include "data/json.h"
#include "guest-stub/measure.h"
#include "guest-stub/state.h"
#include "tee/registers.h"
#include "tee/runtime_log.h"

static const char compose_text[] =
	"{\"manifest_version\":\"2\",\"name\":\"app\",\"runner\":\"none\",\"public_sysinfo\":true}";

static const char *const files[] = {
	"guest.json",	      "app-compose.json",   "runtime_event_version",
	"runtime_event.lock", "runtime_events.log", "rtmr3:sha384"
};

/* All that a boot leaves, in one folder. */
static void boot_into(const char *dir, const char *vm_config)
{
	auto_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint8_t seed[MEASURE_ID_SIZE] = { 1 };
	struct measure_app app = { .n_init_scripts = 0 };
	struct registers registers = { fd };
	struct tee t = registers_tee(&registers);
	const struct instance_id no_id = { .n = 0 };
	struct app_compose *c = NULL;
	struct measure_identity id;
	struct state st;

	assert(app_compose_parse(compose_text, strlen(compose_text), &c, NULL) == 0);
	assert(measure_identity_of(compose_text, strlen(compose_text), &no_id, seed, true, &id,
				   NULL) == 0);
	assert(runtime_log_init(fd, 1, NULL) == 0);
	assert(measure_boot(fd, &t, &id, &app, NULL) == 0);
	st = (struct state){ .id = &id, .tee = TEE_NONE, .app = c, .vm_config = vm_config };
	assert(state_write(dir, &st, NULL) == 0);
	assert(file_replace(fd, "app-compose.json", 0600, compose_text, strlen(compose_text),
			    NULL) == 0);
	app_compose_free(c);
}

static void clean(const char *dir)
{
	auto_close int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)unlinkat(fd, files[i], 0);
	assert(rmdir(dir) == 0);
}

static void test_agent_tells_what_init_measured(void)
{
	static const char vm_config[] =
		"{\"os_image_hash\":\"44136fa355b3678a1146ad16f7e8649e94fb4fc2"
		"1fe77e8310c060f61caaff8a\"}";
	char dir[] = "/tmp/bailey-about-XXXXXX";
	struct err e = ERR_NONE;
	struct about a;
	json_t *tcb = NULL;

	assert(mkdtemp(dir));
	boot_into(dir, vm_config);
	assert(about_load(dir, dir, dir, &a, &e) == 0);
	assert(str_equal(a.app_name, "app") && str_equal(a.tee, "none"));
	assert(a.public_sysinfo && a.public_tcbinfo);
	assert(a.app_id.n == 20 && memcmp(a.app_id.b, a.compose_hash.b, 20) == 0);
	assert(a.instance_id.n == 20 && a.os_image_hash.n == 32 && a.os_image_hash.b[0] == 0x44);
	assert(json_parse(a.tcb_info, strlen(a.tcb_info), 1 << 20, "tcb", &tcb, &e) == 0);
	assert(json_is_null(json_object_get(tcb, "rtmr3")));
	assert(json_array_size(json_object_get(tcb, "event_log")) == 6);
	assert(str_equal(json_get_str(tcb, "app_compose", ""), compose_text));
	assert(str_equal(json_get_str(tcb, "tee", ""), "none"));
	json_decref(tcb);
	about_deinit(&a);
	clean(dir);
}

static void test_odd_vm_config_is_survived(void)
{
	static const char *const odd[] = { "", "[]", "{\"os_image_hash\":1}",
					   "{\"os_image_hash\":\"0xzz\"}" };
	char dir[] = "/tmp/bailey-about-XXXXXX";
	struct about a;
	size_t i;

	assert(mkdtemp(dir));
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		boot_into(dir, odd[i]);
		assert(about_load(dir, dir, dir, &a, NULL) == 0);
		assert(a.os_image_hash.n == 0);
		about_deinit(&a);
	}
	clean(dir);
}

static void test_nothing_there_is_an_error(void)
{
	struct err e = ERR_NONE;
	struct about a;

	assert(about_load("/nonexistent", "/nonexistent", "/nonexistent", &a, &e) < 0);
	assert(strstr(e.text, "guest.json"));
}

int main(void)
{
	test_agent_tells_what_init_measured();
	test_odd_vm_config_is_survived();
	test_nothing_there_is_an_error();
	return 0;
}
