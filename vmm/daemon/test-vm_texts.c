/* SPDX-License-Identifier: Apache-2.0 */
/* What the API shows of a VM's shared folder: kept while the folder is as it was, never longer. */
#include "daemon/vm_texts.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/scratch.h"
#include "daemon/vm.h"
#include "store/rmtree.h"

static char folder[] = "/tmp/test-vm_texts-XXXXXX";
static struct vm_texts_kept kept = { .folder = -1 };
static struct vm vm = { .texts = &kept };

static void put(const char *path, const char *text)
{
	assert(!file_replace(vm.dirfd, path, 0600, text, strlen(text), NULL));
}

/* As if the last change was a minute ago: what was read is then sure to be all of it. */
static void settle(time_t ago)
{
	struct timespec t[2];

	assert(!clock_gettime(CLOCK_REALTIME, &t[0]));
	t[0].tv_sec -= ago;
	t[1] = t[0];
	assert(!utimensat(vm.dirfd, "shared", t, 0));
}

static void expect(const char *compose, const char *user_config, const char *env)
{
	auto_scratch struct scratch s = SCRATCH_NULL;
	struct vm_texts t = vm_texts(&vm, &s);

	assert(str_equal(t.compose, compose) && str_equal(t.user_config, user_config));
	assert(t.n_env == strlen(env) && (!t.n_env || !memcmp(t.env, env, t.n_env)));
}

static void test_what_is_not_there_is_empty(void)
{
	expect("", "", "");
}

static void test_files_are_shown(void)
{
	put("shared/app-compose.json", "{}");
	put("shared/.user-config", "u");
	put("shared/.encrypted-env", "e");
	expect("{}", "u", "e");
}

static void test_a_settled_folder_is_read_once(void)
{
	int fd = openat(vm.dirfd, "shared/.user-config", O_WRONLY | O_CLOEXEC);

	settle(60);
	expect("{}", "u", "e");
	assert(kept.is_valid);
	assert(write(fd, "v", 1) == 1 &&
	       fd_close(fd) == -1); /* in place: the folder is as it was */
	expect("{}", "u", "e");
}

static void test_a_replaced_file_is_seen(void)
{
	put("shared/app-compose.json", "{\"a\":1}");
	expect("{\"a\":1}", "v", "e");
	assert(!kept.is_valid); /* it changed just now, and may again */
	put("shared/app-compose.json", "{\"a\":2}");
	expect("{\"a\":2}", "v", "e");
}

static void test_a_folder_of_the_future_is_not_trusted(void)
{
	settle(-3600);
	expect("{\"a\":2}", "v", "e");
	assert(!kept.is_valid);
}

static void test_large_files_are_shown_and_not_kept(void)
{
	auto_free char *large = xcalloc(VM_TEXTS_KEPT + 2, 1);

	memset(large, 'x', VM_TEXTS_KEPT + 1);
	put("shared/.user-config", large);
	settle(60);
	expect("{\"a\":2}", large, "e");
	assert(!kept.is_valid);
}

static void test_what_is_no_text_is_empty(void)
{
	assert(!file_replace(vm.dirfd, "shared/.user-config", 0600, "a\0b", 3, NULL));
	put("shared/app-compose.json", "\xff");
	settle(60);
	expect("", "", "e");
}

static void test_held_texts_stay_while_files_change(void)
{
	put("shared/app-compose.json", "old");
	put("shared/.user-config", "u");
	vm_texts_hold(&vm);
	put("shared/app-compose.json", "new");
	expect("old", "u", "e");
	vm_texts_forget(&kept);
	expect("new", "u", "e");
}

static void test_another_folder_in_its_place_is_seen(void)
{
	settle(60);
	expect("new", "u", "e");
	assert(kept.is_valid && kept.folder < 0);
	expect("new", "u", "e");
	assert(kept.folder >= 0);
	assert(!rmtree(vm.dirfd, "shared", NULL, NULL));
	assert(!file_mkdir(vm.dirfd, "shared", 0700, NULL));
	settle(60);
	expect("", "", "");
}

int main(void)
{
	int tmp;

	assert(mkdtemp(folder));
	vm.dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(vm.dirfd >= 0 && !file_mkdir(vm.dirfd, "shared", 0700, NULL));
	test_what_is_not_there_is_empty();
	test_files_are_shown();
	test_a_settled_folder_is_read_once();
	test_a_replaced_file_is_seen();
	test_a_folder_of_the_future_is_not_trusted();
	test_large_files_are_shown_and_not_kept();
	test_what_is_no_text_is_empty();
	test_held_texts_stay_while_files_change();
	test_another_folder_in_its_place_is_seen();
	vm_texts_forget(&kept);
	vm.dirfd = fd_close(vm.dirfd);
	tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(tmp >= 0 && !rmtree(tmp, folder + strlen("/tmp/"), NULL, NULL));
	tmp = fd_close(tmp);
	return 0;
}
