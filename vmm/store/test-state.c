/* SPDX-License-Identifier: Apache-2.0 */
/* vm-state.json: what is written is read again, and what another version wrote does no harm. */
#include "store/state.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/str.h"

static char dir[] = "/tmp/test-state-XXXXXX";
static int dirfd;

static struct vm_state read_text(const char *text)
{
	struct vm_state s;

	assert(file_replace(dirfd, "vm-state.json", 0600, text, strlen(text), NULL) == 0);
	assert(vm_state_load(dirfd, &s, NULL) == 0);
	return s;
}

static void test_all_of_it_comes_back(void)
{
	const struct vm_state s = { .started = true,
				    .cid = 7,
				    .generation = 3,
				    .exit = VM_EXIT_PANIC,
				    .stop = VM_STOP_KILL,
				    .restart_attempts = 4,
				    .restart_gave_up = true,
				    .restart_due_ms = 1785585296000 };
	struct vm_state got;

	assert(vm_state_save(dirfd, &s, NULL) == 0);
	assert(vm_state_load(dirfd, &got, NULL) == 0);
	assert(got.started && got.cid == 7 && got.generation == 3 && got.exit == VM_EXIT_PANIC);
	assert(got.stop == VM_STOP_KILL && got.restart_attempts == 4 && got.restart_gave_up);
	assert(got.restart_due_ms == 1785585296000);
}

static void test_files_of_others(void)
{
	struct vm_state s = read_text("{\"started\":true}"); /* dstack's */

	assert(s.started && s.exit == VM_EXIT_NONE && s.stop == VM_STOP_NONE);
	assert(!s.restart_attempts && !s.restart_gave_up && !s.restart_due_ms);
	s = read_text("{\"started\":false,\"exit\":\"eaten\",\"stop\":\"later\","
		      "\"restart_attempts\":99999999999,\"new\":[]}");
	assert(s.exit == VM_EXIT_UNKNOWN && s.stop == VM_STOP_ASK);
	assert(s.restart_attempts == UINT32_MAX);
}

static void write_text(const char *text)
{
	assert(file_replace(dirfd, "vm-state.json", 0600, text, strlen(text), NULL) == 0);
}

static void test_keys_of_the_wrong_type_are_named(void)
{
	struct vm_state s;
	struct err e = ERR_NONE;

	write_text("{\"started\":\"yes\",\"exit\":5,\"restart_attempts\":-1,\"cid\":9}");
	assert(vm_state_load(dirfd, &s, &e) == ERR_CORRUPT);
	assert(strstr(e.text, "started (must be true or false), exit (must be a text), "
			      "restart_attempts (must be a number)"));
	assert(!s.started && s.exit == VM_EXIT_NONE && s.restart_attempts == 0 && s.cid == 9);
	write_text("[]");
	assert(vm_state_load(dirfd, &s, &e) == ERR_CORRUPT && strstr(e.text, "counts as stopped"));
}

static bool has(const char *what)
{
	auto_buf struct buf b = BUF_MAX(0);

	assert(file_read(dirfd, "vm-state.json", 65536, &b, NULL) == 0);
	return strstr((const char *)b.p, what) != NULL;
}

static void test_unknown_keys_are_kept(void)
{
	struct vm_state s = read_text("{\"started\":true,\"exit\":\"panic\",\"of_tomorrow\":"
				      "{\"a\":[1,null]}}");

	s.started = false;
	s.exit = VM_EXIT_NONE;
	assert(vm_state_save(dirfd, &s, NULL) == 0);
	assert(has("\"of_tomorrow\":{\"a\":[1,null]}") && has("\"started\":false"));
	assert(has("\"version\":1") && !has("panic"));
}

static void test_a_newer_version_is_not_written_over(void)
{
	static const char text[] = "{\"version\":2,\"started\":true,\"cid\":{\"a\":1}}";
	struct vm_state s;
	struct err e = ERR_NONE;

	write_text(text);
	assert(vm_state_load(dirfd, &s, &e) == ERR_BAD_STATE && s.started && !s.cid);
	assert(strstr(e.text, "newer baileyd") && strstr(e.text, "version 2"));
	assert(vm_state_save(dirfd, &s, &e) == ERR_BAD_STATE && has(text));
	s = read_text("{\"version\":0,\"started\":true}");
	assert(s.started);
}

int main(void)
{
	char path[64];

	assert(mkdtemp(dir));
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(dirfd >= 0);
	test_all_of_it_comes_back();
	test_files_of_others();
	test_keys_of_the_wrong_type_are_named();
	test_unknown_keys_are_kept();
	test_a_newer_version_is_not_written_over();
	(void)str_format(path, sizeof(path), "%s/vm-state.json", dir);
	(void)unlink(path);
	(void)rmdir(dir);
	(void)fd_close(dirfd);
	return 0;
}
