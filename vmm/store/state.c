/* SPDX-License-Identifier: Apache-2.0 */
#include "store/state.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/inject.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"

enum { STATE_MAX = 64 * 1024 };

static const char file_name[] = "vm-state.json";

const char *vm_exit_text(enum vm_exit x)
{
	static const char *const texts[VM_EXIT_COUNT] = {
		[VM_EXIT_NONE] = "",	     [VM_EXIT_STOPPED] = "stopped",
		[VM_EXIT_KILLED] = "killed", [VM_EXIT_POWER_OFF] = "power-off",
		[VM_EXIT_REBOOT] = "reboot", [VM_EXIT_PANIC] = "panic",
		[VM_EXIT_CRASH] = "crash",   [VM_EXIT_HOST] = "host",
		[VM_EXIT_VSOCK] = "vsock",   [VM_EXIT_UNKNOWN] = "unknown",
	};

	assert(x < VM_EXIT_COUNT);
	return texts[x];
}

/* A word of a later version reads as "unknown", which is what it is. */
static enum vm_exit exit_of(const char *text)
{
	enum vm_exit x;

	for (x = VM_EXIT_NONE; x < VM_EXIT_UNKNOWN; x++) {
		if (str_equal(text, vm_exit_text(x)))
			return x;
	}
	return VM_EXIT_UNKNOWN;
}

static void load_end(const json_t *j, struct vm_state *ret)
{
	const char *stop = json_get_str(j, "stop", "");
	uint64_t attempts = json_get_u64(j, "restart_attempts", 0);

	ret->exit = exit_of(json_get_str(j, "exit", ""));
	ret->stop = str_equal(stop, "kill") ? VM_STOP_KILL : (*stop ? VM_STOP_ASK : VM_STOP_NONE);
	ret->restart_attempts = attempts < UINT32_MAX ? (uint32_t)attempts : UINT32_MAX;
	ret->restart_gave_up = json_get_bool(j, "restart_gave_up", false);
	ret->restart_due_ms = json_get_u64(j, "restart_due_ms", 0);
}

/* Keys that say nothing are left out, as a folder of dstack's making has none of them. */
static int save_end(json_t *j, const struct vm_state *s)
{
	int rc = 0;

	if (s->exit)
		rc |= json_object_set_new(j, "exit", json_string(vm_exit_text(s->exit)));
	if (s->stop)
		rc |= json_object_set_new(j, "stop",
					  json_string(s->stop == VM_STOP_KILL ? "kill" : "ask"));
	if (s->restart_attempts)
		rc |= json_object_set_new(j, "restart_attempts", json_integer(s->restart_attempts));
	if (s->restart_gave_up)
		rc |= json_object_set_new(j, "restart_gave_up", json_true());
	if (s->restart_due_ms)
		rc |= json_object_set_new(j, "restart_due_ms",
					  json_integer((json_int_t)s->restart_due_ms));
	return rc;
}

int vm_state_load(int dirfd, struct vm_state *ret, struct err *e)
{
	json_t *j = NULL;
	int rc;

	*ret = (struct vm_state){ .started = false };
	rc = json_read_file(dirfd, file_name, STATE_MAX, &j, e);
	if (rc == -ENOENT)
		return 0;
	if (rc)
		return err_wrap(e, ERR_CORRUPT, "cannot read the state");
	if (!json_is_object(j)) {
		json_decref(j);
		return err_set(e, ERR_CORRUPT, "%s: must be an object", file_name);
	}
	ret->started = json_get_bool(j, "started", false);
	ret->running = json_get_bool(j, "running", false);
	ret->cid = (uint32_t)(json_get_u64(j, "cid", 0) & UINT32_MAX);
	ret->generation = json_get_u64(j, "generation", 0);
	ret->started_at_ms = json_get_u64(j, "started_at_ms", 0);
	ret->exited_at_ms = json_get_u64(j, "exited_at_ms", 0);
	(void)str_copy(ret->boot_id, sizeof(ret->boot_id), json_get_str(j, "boot_id", ""));
	load_end(j, ret);
	json_decref(j);
	return 0;
}

int vm_state_save(int dirfd, const struct vm_state *s, struct err *e)
{
	json_t *j =
		json_pack("{s:b, s:b, s:I, s:I, s:I, s:I, s:s}", "started", s->started, "running",
			  s->running, "cid", (json_int_t)s->cid, "generation",
			  (json_int_t)s->generation, "started_at_ms", (json_int_t)s->started_at_ms,
			  "exited_at_ms", (json_int_t)s->exited_at_ms, "boot_id", s->boot_id);
	int rc;

	if (!j || save_end(j, s)) {
		json_decref(j);
		return err_set(e, -ENOMEM, "out of memory");
	}
	inject_point("state.save");
	rc = json_write_file(dirfd, file_name, 0600, j, e);
	json_decref(j);
	inject_point("state.saved");
	return rc;
}

void vm_state_host_boot(char ret[static 37])
{
	auto_close int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : fd_read_full(fd, ret, 36);

	ret[n == 36 ? 36 : 0] = 0;
}
