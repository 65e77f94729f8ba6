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

/* What the file may hold.  Another key is another version's. */
static const struct {
	const char *name, *is; /* what its value must be */
	json_type type;
} keys[] = {
	{ "version", "a number", JSON_INTEGER },
	{ "started", "true or false", JSON_TRUE },
	{ "running", "true or false", JSON_TRUE },
	{ "cid", "a number", JSON_INTEGER },
	{ "generation", "a number", JSON_INTEGER },
	{ "started_at_ms", "a number", JSON_INTEGER },
	{ "exited_at_ms", "a number", JSON_INTEGER },
	{ "boot_id", "a text", JSON_STRING },
	{ "exit", "a text", JSON_STRING },
	{ "stop", "a text", JSON_STRING },
	{ "restart_attempts", "a number", JSON_INTEGER },
	{ "restart_gave_up", "true or false", JSON_TRUE },
	{ "restart_due_ms", "a number", JSON_INTEGER },
};

enum { N_KEYS = sizeof(keys) / sizeof(*keys) };

static bool is_known(const char *key)
{
	size_t i;

	for (i = 0; i < N_KEYS; i++) {
		if (str_equal(keys[i].name, key))
			return true;
	}
	return false;
}

/* A number below zero is none of ours, either. */
static bool fits(const json_t *v, json_type type)
{
	if (type == JSON_TRUE)
		return json_is_boolean(v);
	return json_typeof(v) == type && (type != JSON_INTEGER || json_integer_value(v) >= 0);
}

static int check_types(const json_t *j, struct err *e)
{
	char wrong[256] = "";
	const json_t *v;
	size_t i, at;

	for (i = 0; i < N_KEYS; i++) {
		v = json_object_get(j, keys[i].name);
		at = strlen(wrong);
		if (v && !fits(v, keys[i].type) &&
		    str_format(wrong + at, sizeof(wrong) - at, "%s%s (must be %s)", at ? ", " : "",
			       keys[i].name, keys[i].is) < 0)
			wrong[at] = 0; /* so many that they are not all named */
	}
	if (!*wrong)
		return 0;
	return err_set(e, ERR_CORRUPT, "%s: taken for absent: %s", file_name, wrong);
}

static int check_version(const json_t *j, struct err *e)
{
	uint64_t version = json_get_u64(j, "version", VM_STATE_VERSION);

	if (version <= VM_STATE_VERSION)
		return 0;
	return err_set(
		e, ERR_BAD_STATE,
		"a newer baileyd wrote %s: version %llu, and this one knows %d; run the newer "
		"one again",
		file_name, (unsigned long long)version, VM_STATE_VERSION);
}

static void read_values(const json_t *j, struct vm_state *ret)
{
	uint64_t cid = json_get_u64(j, "cid", 0);

	ret->started = json_get_bool(j, "started", false);
	ret->running = json_get_bool(j, "running", false);
	ret->cid = cid < UINT32_MAX ? (uint32_t)cid : 0;
	ret->generation = json_get_u64(j, "generation", 0);
	ret->started_at_ms = json_get_u64(j, "started_at_ms", 0);
	ret->exited_at_ms = json_get_u64(j, "exited_at_ms", 0);
	(void)str_copy(ret->boot_id, sizeof(ret->boot_id), json_get_str(j, "boot_id", ""));
	load_end(j, ret);
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
		return err_wrap(e, ERR_CORRUPT, "cannot read the state; it counts as stopped");
	if (!json_is_object(j)) {
		json_decref(j);
		return err_set(e, ERR_CORRUPT, "%s: must be an object; it counts as stopped",
			       file_name);
	}
	read_values(j, ret);
	rc = check_version(j, e);
	if (!rc)
		rc = check_types(j, e);
	json_decref(j);
	return rc;
}

/*
 * Take over what is there and not ours to know.  A file that does not load has nothing to keep.
 * Return: 0; ERR_BAD_STATE.
 */
static int keep_unknown(int dirfd, json_t *into, struct err *e)
{
	json_t *old = NULL, *v;
	const char *key;
	int rc;

	if (json_read_file(dirfd, file_name, STATE_MAX, &old, NULL))
		return 0;
	rc = check_version(old, e);
	json_object_foreach(old, key, v) {
		if (!is_known(key) && json_object_set(into, key, v))
			rc = -ENOMEM;
	}
	json_decref(old);
	return rc;
}

int vm_state_save(int dirfd, const struct vm_state *s, struct err *e)
{
	json_t *j = json_pack("{s:i, s:b, s:b, s:I, s:I, s:I, s:I, s:s}", "version",
			      VM_STATE_VERSION, "started", s->started, "running", s->running, "cid",
			      (json_int_t)s->cid, "generation", (json_int_t)s->generation,
			      "started_at_ms", (json_int_t)s->started_at_ms, "exited_at_ms",
			      (json_int_t)s->exited_at_ms, "boot_id", s->boot_id);
	int rc;

	if (!j || save_end(j, s)) {
		json_decref(j);
		return err_set(e, -ENOMEM, "out of memory");
	}
	inject_point("state.save");
	rc = keep_unknown(dirfd, j, e);
	if (!rc)
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
