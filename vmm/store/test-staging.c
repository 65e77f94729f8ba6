/* SPDX-License-Identifier: Apache-2.0 */
/* Test staging: after whatever ends it, a VM's files are the old ones or the new ones, all of them. */
#undef NDEBUG
#include "store/staging.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

enum { OLD_MIB = 512, NEW_MIB = 1024 };

static char scratch[] = "/tmp/test-staging-XXXXXX";
static int root = -1;

static void manifest_of(uint32_t memory, const char *id, struct manifest *ret)
{
	*ret = MANIFEST_NULL;
	(void)str_copy(ret->id, sizeof(ret->id), id);
	ret->name = xstrdup("x");
	ret->app_id = xstrdup("00ff");
	ret->image = xstrdup("img");
	ret->memory = memory;
}

/* A VM with a compose file and a user config, and no encrypted environment. */
static int fresh(void)
{
	auto_manifest struct manifest m;
	const struct vm_state s = { .started = false };
	const struct vmdir_files f = { .compose = "old", .n_compose = 3, .user_config = "u" };
	int fd;

	assert(!rmtree(root, "vm", NULL, NULL));
	manifest_of(OLD_MIB, "vm", &m);
	assert(!vmdir_create(root, &m, &s, &f, NULL));
	fd = vmdir_open(root, "vm", NULL);
	assert(fd >= 0);
	return fd;
}

/* A new compose file, an environment that was not there, and the user config taken away. */
static const struct staged_file changes[STAGED_COUNT] = {
	[STAGED_COMPOSE] = { true, "newer", 5 },
	[STAGED_ENCRYPTED_ENV] = { true, "\0e", 2 },
	[STAGED_USER_CONFIG] = { true, "", 0 },
};

static bool holds(int dirfd, const char *path, const char *text, size_t n)
{
	auto_buf struct buf b = BUF_MAX(0);

	return !file_read(dirfd, path, 65536, &b, NULL) && b.n == n && !memcmp(b.p, text, n);
}

static bool has(int dirfd, const char *path)
{
	return faccessat(dirfd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static uint32_t memory_of(int dirfd)
{
	auto_manifest struct manifest m = MANIFEST_NULL;

	assert(!manifest_load(dirfd, &m, NULL));
	return m.memory;
}

static bool is_old(int fd)
{
	return memory_of(fd) == OLD_MIB && holds(fd, "shared/app-compose.json", "old", 3) &&
	       !has(fd, "shared/.encrypted-env") && holds(fd, "shared/.user-config", "u", 1);
}

static bool is_new(int fd)
{
	return memory_of(fd) == NEW_MIB && holds(fd, "shared/app-compose.json", "newer", 5) &&
	       holds(fd, "shared/.encrypted-env", "\0e", 2) && !has(fd, "shared/.user-config");
}

static bool is_tidy(int fd)
{
	return !has(fd, ".next") && !has(fd, ".next-new") && !has(fd, ".next-refused");
}

static int write_change(int fd)
{
	auto_manifest struct manifest m;

	manifest_of(NEW_MIB, "vm", &m);
	return staging_write(fd, &m, changes, NULL);
}

static int change(int fd)
{
	int rc = write_change(fd);

	if (!rc)
		rc = staging_commit(fd, NULL);
	return rc ? rc : staging_finish(fd, NULL);
}

static void test_a_change_is_made_whole_and_the_old_version_kept(void)
{
	auto_close int fd = fresh(), prev = -1;
	struct stat st;

	assert(change(fd) == 1 && is_new(fd) && is_tidy(fd));
	prev = openat(fd, ".prev", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(memory_of(prev) == OLD_MIB && holds(prev, "app-compose.json", "old", 3));
	assert(holds(prev, ".user-config", "u", 1) && holds(prev, ".encrypted-env", "", 0));
	assert(!fstatat(fd, "shared/.encrypted-env", &st, 0) && (st.st_mode & 0777) == 0600);
	assert(staging_finish(fd, NULL) == 0 && is_new(fd));
}

static void test_the_previous_version_renamed_to_next_is_the_way_back(void)
{
	auto_close int fd = fresh();

	assert(change(fd) == 1);
	assert(!renameat(fd, ".prev", fd, ".next"));
	assert(staging_finish(fd, NULL) == 1 && is_old(fd) && is_tidy(fd));
	/* and forth again */
	assert(!renameat(fd, ".prev", fd, ".next"));
	assert(staging_finish(fd, NULL) == 1 && is_new(fd) && is_tidy(fd));
}

static void test_what_is_not_decided_is_undone(void)
{
	auto_close int fd = fresh();

	assert(!write_change(fd) && has(fd, ".next-new") && !staging_is_due(fd));
	assert(staging_finish(fd, NULL) == 0 && is_old(fd) && is_tidy(fd) && !has(fd, ".prev"));
	assert(!write_change(fd) && !staging_commit(fd, NULL) && staging_is_due(fd));
	assert(!staging_undo(fd, NULL) && is_old(fd) && is_tidy(fd) && !has(fd, ".prev"));
	assert(!staging_undo(fd, NULL));
}

static void test_a_decided_change_is_not_replaced_by_another(void)
{
	auto_close int fd = fresh();

	assert(!write_change(fd) && !staging_commit(fd, NULL));
	assert(!write_change(fd) && staging_commit(fd, NULL) == -EEXIST && !has(fd, ".next-new"));
	assert(staging_finish(fd, NULL) == 1 && is_new(fd) && is_tidy(fd));
}

/* @spoil makes a .next that was decided unfit. */
static void refused(void (*spoil)(int next))
{
	auto_close int fd = fresh(), next = -1;

	assert(!write_change(fd) && !staging_commit(fd, NULL));
	next = openat(fd, ".next", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	spoil(next);
	assert(staging_finish(fd, NULL) == ERR_CORRUPT);
	assert(is_old(fd) && !has(fd, ".next") && has(fd, ".next-refused"));
	assert(staging_finish(fd, NULL) == 0 && is_old(fd));
}

static void of_another(int next)
{
	auto_manifest struct manifest m;

	manifest_of(NEW_MIB, "other", &m);
	assert(!manifest_save(next, &m, NULL));
}

static void torn(int next)
{
	assert(!file_replace(next, "vm-manifest.json", 0600, "{\"id\":", 6, NULL));
}

static void linked(int next)
{
	assert(!unlinkat(next, "app-compose.json", 0));
	assert(!symlinkat("/etc/passwd", next, "app-compose.json"));
}

static void empty(int next)
{
	assert(!file_replace(next, "app-compose.json", 0600, "", 0, NULL));
}

static void test_an_unfit_change_is_set_aside(void)
{
	auto_close int fd = -1;

	refused(of_another);
	refused(torn);
	refused(linked);
	refused(empty);
	fd = fresh();
	assert(!symlinkat("/etc", fd, ".next"));
	assert(staging_finish(fd, NULL) == ERR_CORRUPT && is_old(fd));
}

static void test_what_differs(void)
{
	static const struct {
		enum staged which;
		struct staged_file f;
		bool differs;
	} cases[] = {
		{ STAGED_COMPOSE, { true, "old", 3 }, false },
		{ STAGED_COMPOSE, { true, "olds", 4 }, true },
		{ STAGED_COMPOSE, { true, "ol", 2 }, true },
		{ STAGED_COMPOSE, { false, "new", 3 }, false },
		{ STAGED_ENCRYPTED_ENV, { true, "", 0 }, false },
		{ STAGED_ENCRYPTED_ENV, { true, "e", 1 }, true },
		{ STAGED_USER_CONFIG, { true, "", 0 }, true },
		{ STAGED_USER_CONFIG, { true, "u", 1 }, false },
	};
	auto_close int fd = fresh();
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert(staging_differs(fd, cases[i].which, &cases[i].f) == cases[i].differs);
}

#ifdef BAILEY_INJECT

/* Run change() in a process with @order; does it end by itself? */
static bool survives(int fd, int (*fn)(int fd), const char *order, const char *trace)
{
	pid_t pid = fork();
	int status;

	assert(pid >= 0);
	if (pid == 0) {
		if (order)
			(void)setenv("BAILEY_INJECT", order, 1);
		if (trace)
			(void)setenv("BAILEY_INJECT_TRACE", trace, 1);
		_exit(fn(fd) < 0);
	}
	assert(waitpid(pid, &status, 0) == pid);
	assert(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
	return !WIFSIGNALED(status);
}

static int finish(int fd)
{
	return staging_finish(fd, NULL);
}

/* Which of all passes through a point the @nth line of the trace is: "name:3". */
static bool order_of(const char *text, size_t nth, char *ret, size_t size)
{
	char name[64] = "", line[64];
	unsigned int n = 0;
	size_t i = 0, len;
	const char *p;

	for (p = text; *p && i <= nth; p += len + 1, i++) {
		len = strcspn(p, "\n");
		(void)str_format(name, sizeof(name), "%.*s", (int)len, p);
	}
	if (i <= nth)
		return false;
	for (p = text, i = 0; i <= nth; p += len + 1, i++) {
		len = strcspn(p, "\n");
		(void)str_format(line, sizeof(line), "%.*s", (int)len, p);
		n += str_equal(line, name);
	}
	(void)str_format(ret, size, "%s:%u", name, n);
	return true;
}

/* A change killed at @order, then what puts it right killed at @again: is it the new VM, whole, or the old one? */
static bool is_new_after(const char *order, const char *again)
{
	auto_close int fd = fresh();

	assert(!survives(fd, change, order, NULL));
	(void)survives(fd, finish, again, NULL);
	assert(staging_finish(fd, NULL) >= 0);
	if (!is_tidy(fd) || is_old(fd) == is_new(fd))
		(void)fprintf(stderr, "killed at %s, then at %s\n", order, again);
	assert(is_tidy(fd) && is_old(fd) != is_new(fd));
	return is_new(fd);
}

static void test_a_crash_anywhere_leaves_the_old_or_the_new_vm(void)
{
	auto_free char *path = xasprintf("%s/trace", scratch);
	auto_buf struct buf trace = BUF_MAX(0);
	auto_close int fd = fresh();
	size_t i, n_new = 0;
	char order[80];

	assert(survives(fd, change, NULL, path) && is_new(fd));
	assert(!file_read(root, "trace", 65536, &trace, NULL));
	for (i = 0; order_of((const char *)trace.p, i, order, sizeof(order)); i++) {
		n_new += is_new_after(order, "none");
		/* once it is decided, nothing makes it undone */
		assert(is_new_after("staging.committed", order));
	}
	assert(n_new > 0 && n_new < i);
	(void)printf("%zu points: %zu times the old VM, %zu times the new one\n", i, i - n_new,
		     n_new);
}

#else

static void test_a_crash_anywhere_leaves_the_old_or_the_new_vm(void)
{
}

#endif

int main(void)
{
	assert(mkdtemp(scratch));
	root = open(scratch, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(root >= 0);
	test_a_change_is_made_whole_and_the_old_version_kept();
	test_the_previous_version_renamed_to_next_is_the_way_back();
	test_what_is_not_decided_is_undone();
	test_a_decided_change_is_not_replaced_by_another();
	test_an_unfit_change_is_set_aside();
	test_what_differs();
	test_a_crash_anywhere_leaves_the_old_or_the_new_vm();
	assert(!rmtree(AT_FDCWD, scratch, NULL, NULL));
	(void)fd_close(root);
	return 0;
}
