/* SPDX-License-Identifier: Apache-2.0 */
/* test-keys_emitting: the app's events are measured in order, within limits, and told */
#undef NDEBUG
#include "guest-stub/emitting.h"

#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "guest-stub/about.h"
#include "guest-stub/guest_tee.h"
#include "tee/registers.h"
#include "tee/runtime_log.h"

static const char *const files[] = { "runtime_event_version", "runtime_event.lock",
				     "runtime_events.log", "rtmr3:sha384" };

static struct {
	char dir[64];
	uv_loop_t loop;
	struct guest_tee tee;
	struct about about;
	struct emitting q;
	size_t n_done, n_failed;
	struct err e; /* of the last failure */
} t;

static void begin(void)
{
	memset(&t, 0, sizeof(t));
	(void)str_copy(t.dir, sizeof(t.dir), "/tmp/bailey-emitting-XXXXXX");
	assert(mkdtemp(t.dir) && uv_loop_init(&t.loop) == 0);
	t.q.log = open(t.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(t.q.log >= 0);
	t.tee.registers = (struct registers){ t.q.log };
	t.tee.tee = registers_tee(&t.tee.registers);
	t.about.tee = "none";
	t.about.compose = xstrdup("{}");
	t.q.loop = &t.loop;
	t.q.tee = &t.tee;
	t.q.about = &t.about;
	assert(runtime_log_init(t.q.log, 1, NULL) == 0);
	assert(runtime_log_emit(t.q.log, &t.tee.tee, "system-ready", NULL, 0, NULL) == 0);
}

static void end(void)
{
	size_t i;

	assert(uv_run(&t.loop, UV_RUN_DEFAULT) == 0);
	assert(!t.q.running && !t.q.first && t.q.n_waiting == 0);
	assert(uv_loop_close(&t.loop) == 0);
	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		(void)unlinkat(t.q.log, files[i], 0);
	(void)close(t.q.log);
	assert(rmdir(t.dir) == 0);
	about_deinit(&t.about);
}

static void done(void *arg, int r, const struct err *e)
{
	assert(arg == &t);
	t.n_done++;
	if (r < 0) {
		t.n_failed++;
		t.e = *e;
	}
}

static int add(const char *name, const void *payload, size_t n, struct err *e)
{
	return emitting_add(&t.q, name, payload, n, done, &t, e);
}

static void test_events_are_measured_in_order(void)
{
	struct digest384 told, held;

	begin();
	assert(add("first", "one", 3, NULL) == 0 && add("second", NULL, 0, NULL) == 0);
	assert(t.n_done == 0);
	assert(uv_run(&t.loop, UV_RUN_DEFAULT) == 0);
	assert(t.n_done == 2 && t.n_failed == 0 && t.about.events.n == 3);
	assert(str_equal(t.about.events.events[1].name, "first"));
	assert(memcmp(t.about.events.events[1].payload, "one", 3) == 0);
	assert(str_equal(t.about.events.events[2].name, "second"));
	assert(strstr(t.about.tcb_info, "\"second\""));
	assert(event_log_replay(&t.about.events, NULL, &told));
	assert(tee_read(&t.tee.tee, TEE_RTMR_RUNTIME, &held, NULL) == 0);
	assert(memcmp(told.b, held.b, sizeof(held.b)) == 0);
	end();
}

static void refused(const char *name, size_t n, const char *why)
{
	static const char big[EMITTING_PAYLOAD_MAX + 1];
	struct err e = ERR_NONE;

	assert(add(name, big, n, &e) < 0 && strstr(e.text, why));
}

static void test_names_of_the_guest_are_not_the_apps(void)
{
	char name[EVENT_NAME_MAX + 2];

	begin();
	refused("", 0, "needs a name");
	refused("system-ready", 0, "the guest's own");
	refused("key-provider", 0, "the guest's own");
	refused("x", EMITTING_PAYLOAD_MAX + 1, "over 16384");
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	refused(name, 0, "over 255");
	end();
	assert(t.n_done == 0);
}

static void test_few_wait(void)
{
	struct err e = ERR_NONE;
	int i;

	begin();
	for (i = 0; i < 1 + EMITTING_WAIT_MAX; i++) /* one is under way */
		assert(add("x", NULL, 0, NULL) == 0);
	assert(add("x", NULL, 0, &e) == ERR_LIMIT && strstr(e.text, "try again later"));
	end();
	assert(t.n_done == 1 + EMITTING_WAIT_MAX && t.n_failed == 0);
}

static void test_the_log_has_an_end(void)
{
	static const char big[EMITTING_PAYLOAD_MAX];
	int i;

	begin();
	for (i = 0; i < 8; i++)
		assert(add("x", big, sizeof(big), NULL) == 0);
	assert(uv_run(&t.loop, UV_RUN_DEFAULT) == 0);
	assert(t.n_failed == 1 && strstr(t.e.text, "over 131072")); /* system-ready is there, too */
	assert(t.about.events.n == 8);
	end();
}

static void test_so_many_and_no_more(void)
{
	auto_buf struct buf log = BUF_MAX(EVENT_LOG_SIZE_MAX);
	int i;

	begin();
	for (i = 0; i < EMITTING_EVENTS_MAX - 1; i++)
		assert(buf_add_str(&log, "{\"event\":\"x\",\"payload\":\"\"}\n") == 0);
	assert(file_replace(t.q.log, "runtime_events.log", 0600, log.p, log.n, NULL) == 0);
	assert(add("y", NULL, 0, NULL) == 0 && add("y", NULL, 0, NULL) == 0);
	assert(uv_run(&t.loop, UV_RUN_DEFAULT) == 0);
	assert(t.n_failed == 1 && strstr(t.e.text, "512 events"));
	assert(t.about.events.n == EMITTING_EVENTS_MAX);
	end();
}

int main(void)
{
	test_events_are_measured_in_order();
	test_names_of_the_guest_are_not_the_apps();
	test_few_wait();
	test_the_log_has_an_end();
	test_so_many_and_no_more();
	return 0;
}
