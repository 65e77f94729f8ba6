/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "store/manifest.h"
#include "store/rmtree.h"
#include "store/state.h"
#include "store/vmdir.h"

static char scratch[] = "/tmp/test-vmdir-XXXXXX";
static int root = -1;

static const char compose[] = "{ \"name\": \"x\",\r\n \"runner\":\"none\" }\n\n";

static int create(const char *id)
{
	auto_manifest struct manifest m = MANIFEST_NULL;
	const struct vm_state s = { .started = true, .cid = 7 };
	const struct vmdir_files files = {
		.compose = compose,
		.n_compose = sizeof(compose) - 1,
		.encrypted_env = "\0secret",
		.n_encrypted_env = 7,
		.user_config = "",
	};

	(void)str_copy(m.id, sizeof(m.id), id);
	m.name = xstrdup("x");
	m.app_id = xstrdup("00ff");
	m.image = xstrdup("img");
	return vmdir_create(root, &m, &s, &files, NULL);
}

static bool has(const char *path)
{
	return faccessat(root, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static mode_t mode_of(const char *path)
{
	struct stat st;

	assert(!fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW));
	return st.st_mode & 07777;
}

static void assert_holds(const char *path, const void *p, size_t n)
{
	auto_buf struct buf b = BUF_MAX(0);

	assert(!file_read(root, path, 65536, &b, NULL));
	assert(b.n == n && !memcmp(b.p, p, n));
}

static void test_a_new_folder_is_whole_and_private(void)
{
	auto_manifest struct manifest m = MANIFEST_NULL;
	auto_close int fd = -1;
	struct vm_state s;

	assert(!create("vm-1"));
	assert(mode_of("vm-1") == 0700 && mode_of("vm-1/shared") == 0700);
	assert(mode_of("vm-1/shared/.encrypted-env") == 0600);
	assert(mode_of("vm-1/vm-manifest.json") == 0600);
	assert_holds("vm-1/shared/app-compose.json", compose, sizeof(compose) - 1);
	assert_holds("vm-1/shared/.encrypted-env", "\0secret", 7);
	assert_holds("vm-1/shared/.instance_info", "{\"app_id\":\"00ff\"}", 17);
	assert_holds("vm-1/shared/.instance-info", "{\"app_id\":\"00ff\"}", 17);
	assert(!has("vm-1/shared/.user-config"));
	assert(!has(".new-vm-1"));
	fd = vmdir_open(root, "vm-1", NULL);
	assert(fd >= 0 && !manifest_load(fd, &m, NULL) && str_equal(m.id, "vm-1"));
	assert(!vm_state_load(fd, &s, NULL) && s.started && s.cid == 7);
}

static void test_a_taken_id_is_a_conflict_and_nothing_changes(void)
{
	assert(!mkdirat(root, "taken", 0755));
	assert(create("taken") == ERR_CONFLICT);
	assert(!has("taken/shared") && !has(".new-taken"));
	assert(!unlinkat(root, "taken", AT_REMOVEDIR));
}

static void test_a_grant_opens_no_more_than_it_must(void)
{
	auto_close int fd = -1;

	assert(!create("vm-2"));
	fd = vmdir_open(root, "vm-2", NULL);
	assert(!vmdir_grant(fd, getegid(), false, NULL));
	assert(mode_of("vm-2") == 0710 && mode_of("vm-2/shared") == 0700);
	assert(!vmdir_grant(fd, getegid(), true, NULL));
	assert(mode_of("vm-2/shared") == 0750 && mode_of("vm-2/shared/app-compose.json") == 0640);
	assert(mode_of("vm-2/vm-manifest.json") == 0600);
	assert(!vmdir_write_instance_info(fd, "{}", 2, NULL));
	assert_holds("vm-2/shared/.instance_info", "{}", 2);
	assert_holds("vm-2/shared/.instance-info", "{}", 2);
	assert(mode_of("vm-2/shared/.instance_info") == 0640);
	assert(!vmdir_remove(root, "vm-2", NULL));
}

static unsigned int n_found[3];
static char last_unknown[64];

static void count(const char *name, enum vmdir_found what, void *arg)
{
	(void)arg;
	n_found[what]++;
	if (what == VMDIR_UNKNOWN)
		(void)str_copy(last_unknown, sizeof(last_unknown), name);
}

static void test_a_scan_sweeps_leftovers_and_leaves_strangers(void)
{
	auto_close int fd = -1;

	assert(!mkdirat(root, ".new-half-made", 0700) &&
	       !mkdirat(root, ".new-half-made/shared", 0700));
	assert(!mkdirat(root, "not an id!", 0700));
	assert(!create("vm-3"));
	fd = vmdir_open(root, "vm-3", NULL);
	assert(!vmdir_mark_removing(fd, NULL));
	memset(n_found, 0, sizeof(n_found));
	assert(!vmdir_scan(root, count, NULL, NULL));
	assert(n_found[VMDIR_VM] == 1 && n_found[VMDIR_REMOVING] == 1);
	assert(n_found[VMDIR_UNKNOWN] == 1 && str_equal(last_unknown, "not an id!"));
	assert(!has(".new-half-made") && has("not an id!"));
	assert(!unlinkat(root, "not an id!", AT_REMOVEDIR));
}

static void test_a_removal_follows_no_link(void)
{
	auto_close int fd = openat(root, "outside", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert(fd >= 0);
	assert(!mkdirat(root, "vm-1/deep", 0700) && !mkdirat(root, "vm-1/deep/er", 0700));
	assert(!symlinkat("../../outside", root, "vm-1/deep/link"));
	assert(!symlinkat("/etc", root, "vm-1/deep/etc"));
	assert(!vmdir_remove(root, "vm-1", NULL) && !has("vm-1") && has("outside"));
	assert(!vmdir_remove(root, "vm-1", NULL));
	assert(!vmdir_remove(root, "vm-3", NULL) && !has("vm-3"));
}

static void test_a_torn_state_is_reported_and_reads_as_stopped(void)
{
	auto_close int fd = -1;
	struct vm_state s = { .started = true, .generation = 9, .exited_at_ms = 5 };

	assert(!create("vm-4"));
	fd = vmdir_open(root, "vm-4", NULL);
	assert(!vm_state_save(fd, &s, NULL));
	s = (struct vm_state){ .cid = 1 };
	assert(!vm_state_load(fd, &s, NULL) && s.started && s.generation == 9 &&
	       s.exited_at_ms == 5);
	assert(!file_replace(fd, "vm-state.json", 0600, "{\"star", 7, NULL));
	assert(vm_state_load(fd, &s, NULL) == ERR_CORRUPT && !s.started && !s.generation);
	assert(!unlinkat(fd, "vm-state.json", 0));
	assert(!vm_state_load(fd, &s, NULL) && !s.started);
	assert(!vmdir_remove(root, "vm-4", NULL));
}

int main(void)
{
	int tmp;

	assert(mkdtemp(scratch));
	root = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(root >= 0);
	test_a_new_folder_is_whole_and_private();
	test_a_taken_id_is_a_conflict_and_nothing_changes();
	test_a_grant_opens_no_more_than_it_must();
	test_a_scan_sweeps_leftovers_and_leaves_strangers();
	test_a_removal_follows_no_link();
	test_a_torn_state_is_reported_and_reads_as_stopped();
	(void)close(root);
	tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(!rmtree(tmp, scratch + 5, NULL, NULL));
	(void)close(tmp);
	return 0;
}
