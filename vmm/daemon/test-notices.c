/* SPDX-License-Identifier: Apache-2.0 */
/* What a guest says, and what it may not: on a real loop, a real folder. */
#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/fleet.h"
#include "daemon/notices.h"
#include "daemon/vm.h"
#include "store/rmtree.h"

#define SEED	 "57bb2118ae037a07cb4c839896e476b661bd74ca"
#define INSTANCE "ed585880a3d5e2935f8a43e94b0fdc916e40f048"
#define INFO	 "{\"instance_id_seed\":\"" SEED "\",\"instance_id\":\"" INSTANCE "\"}"

enum { GENERATION = 3 };

static char scratch[] = "/tmp/test-notices-XXXXXX";
static struct daemon d;
static struct vm *vm;

static void make_vm(void)
{
	const struct vm_state s = { .started = true, .running = true, .generation = GENERATION };
	struct manifest m = MANIFEST_NULL;

	(void)str_copy(m.id, sizeof(m.id), "3f2504e0-4f89-41d3-9a0c-0305e82c3301");
	m.name = xstrdup("x");
	m.app_id = xstrdup("");
	m.image = xstrdup("");
	vm = vm_new(&d, &m, &s, open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	assert(vm->dirfd >= 0 && !file_mkdir(vm->dirfd, "shared", 0700, NULL));
	assert(!vm_load_reports(vm, NULL));
	vm->is_running = true;
	fleet_add(&d.fleet, vm);
}

static void expect_file(const char *path, const char *want)
{
	auto_buf struct buf b = BUF_MAX(0);

	(void)uv_run(d.loop, UV_RUN_DEFAULT);
	assert(!file_read(vm->dirfd, path, 65536, &b, NULL));
	assert(str_equal((const char *)b.p, want));
}

static void test_reports_are_kept_and_shown(void)
{
	notice_take(vm, GENERATION, "boot.progress", "running main script");
	notice_take(vm, GENERATION, "boot.error", "it broke");
	notice_take(vm, GENERATION, "security.share", "a symlink");
	notice_take(vm, GENERATION, "of.my.own", "");
	assert(str_equal(vm->boot_progress, "running main script"));
	assert(str_equal(vm->boot_error, "it broke") && vm->events.n == 4);
}

static void test_an_empty_error_takes_the_last_one_back(void)
{
	notice_take(vm, GENERATION, "boot.error", "");
	assert(str_equal(vm->boot_error, ""));
}

static void test_a_guest_cannot_speak_as_its_host_or_for_another_boot(void)
{
	size_t n = vm->events.n;

	notice_take(vm, GENERATION, "vmm.stopped", "forged");
	notice_take(vm, GENERATION, "", "nameless");
	notice_take(vm, GENERATION - 1, "boot.progress", "of the boot before");
	notice_take(vm, GENERATION + 1, "boot.progress", "of no boot");
	assert(vm->events.n == n && str_equal(vm->boot_progress, "running main script"));
}

static void test_what_is_too_long_is_dropped(void)
{
	char name[EVENT_NAME_MAX + 2], body[EVENT_BODY_MAX + 2];
	size_t n = vm->events.n;

	memset(name, 'n', sizeof(name));
	memset(body, 'b', sizeof(body));
	name[EVENT_NAME_MAX + 1] = 0;
	body[EVENT_BODY_MAX + 1] = 0;
	notice_take(vm, GENERATION, name, "x");
	notice_take(vm, GENERATION, "boot.progress", body);
	assert(vm->events.n == n && str_equal(vm->boot_progress, "running main script"));
}

static void test_instance_info_reaches_both_names_verbatim(void)
{
	notice_take(vm, GENERATION, "instance.info", INFO " ");
	assert(str_equal(vm->instance_id, INSTANCE));
	expect_file("shared/.instance_info", INFO " ");
	expect_file("shared/.instance-info", INFO " ");
}

static void test_instance_info_that_would_break_the_next_boot_is_dropped(void)
{
	static const char prefixed[] = "{\"instance_id\":\"0x" INSTANCE "\"}";
	static const char *const bad[] = {
		"",
		"x",
		"[]",
		"{",
		"{\"instance_id\":7}",
		prefixed,
		"{\"instance_id\":\"../../etc\"}",
		"{\"app_id\":\"ab\"}",
		"{\"instance_id\":\"a\",\"instance_id\":\"b\"}",
	};
	size_t i, n = vm->events.n;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		notice_take(vm, GENERATION, "instance.info", bad[i]);
	assert(vm->events.n == n && str_equal(vm->instance_id, INSTANCE));
	expect_file("shared/.instance_info", INFO " ");
}

/* A thousand at once: one write is under way, the last one follows, nothing queues up; and one rewrite of the events. */
static void test_a_flood_of_instance_infos_ends_with_the_last(void)
{
	int i;

	for (i = 0; i < 1000; i++)
		notice_take(vm, GENERATION, "instance.info",
			    i < 999 ? INFO : "{\"app_id\":\"" SEED "\"}");
	assert(d.n_busy == 2 && vm->is_tidying);
	expect_file("shared/.instance_info", "{\"app_id\":\"" SEED "\"}");
	assert(d.n_busy == 0 && vm->events.n == vm->events.max && !vm->is_tidying);
	assert(vm->events.n_lines <= 4 * vm->events.max);
}

static void test_powering_off_is_what_the_guest_wants(void)
{
	notice_take(vm, GENERATION, "shutdown.progress", "soon");
	assert(vm->state.started);
	notice_take(vm, GENERATION, "shutdown.progress", "powering off");
	assert(!vm->state.started && str_equal(vm_status_text(vm_status_of(vm)), "stopping"));
	(void)uv_run(d.loop, UV_RUN_DEFAULT);
}

/* What was on disk when the daemon ended is shown by the next. */
static void test_reports_survive_the_daemon(void)
{
	struct vm_state s;

	assert(!vm_state_load(vm->dirfd, &s, NULL) && !s.started && s.generation == GENERATION);
	fleet_free(&d.fleet);
	make_vm();
	assert(str_equal(vm->shutdown_progress, "powering off"));
	fleet_free(&d.fleet);
}

int main(void)
{
	struct config c = { .events_max = 20, .run = (char[]){ "/tmp" }, .stop_timeout_ms = 60000 };
	uv_loop_t loop;
	int tmp;

	log_init(LOG_LEVEL_ERROR);
	assert(mkdtemp(scratch) && !chdir(scratch));
	assert(!uv_loop_init(&loop));
	d = (struct daemon){ .loop = &loop, .config = &c, .lock_fd = -1, .vm_root = -1 };
	make_vm();
	test_reports_are_kept_and_shown();
	test_an_empty_error_takes_the_last_one_back();
	test_a_guest_cannot_speak_as_its_host_or_for_another_boot();
	test_what_is_too_long_is_dropped();
	test_instance_info_reaches_both_names_verbatim();
	test_instance_info_that_would_break_the_next_boot_is_dropped();
	test_a_flood_of_instance_infos_ends_with_the_last();
	test_powering_off_is_what_the_guest_wants();
	test_reports_survive_the_daemon();
	assert(!uv_loop_close(&loop) && !chdir("/tmp"));
	tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(!rmtree(tmp, scratch + 5, NULL, NULL));
	(void)close(tmp);
	return 0;
}
