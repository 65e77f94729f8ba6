/* SPDX-License-Identifier: Apache-2.0 */
/* test-runtime-log: register and file go together */
#include "tee/runtime_log.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "tee/registers.h"

static int scratch(void)
{
	char dir[] = "/tmp/bailey-runtime-log-XXXXXX";
	int fd;

	assert(mkdtemp(dir));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(fd >= 0);
	return fd;
}

static void remove_all(int dirfd)
{
	static const char *const names[] = { "runtime_event_version", "runtime_event.lock",
					     "runtime_events.log", "rtmr3:sha384" };
	char path[64], dir[128];
	ssize_t n;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlinkat(dirfd, names[i], 0);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", dirfd);
	n = readlink(path, dir, sizeof(dir) - 1);
	assert(n > 0);
	dir[n] = 0;
	assert(rmdir(dir) == 0);
}

static void test_register_holds_what_the_log_replays_to(void)
{
	auto_event_log struct event_log log = { 0 };
	auto_close int dirfd = scratch();
	struct registers r = { dirfd };
	struct tee t = registers_tee(&r);
	struct digest384 is, should;
	struct err e = ERR_NONE;
	struct stat st;

	assert(runtime_log_init(dirfd, 2, &e) == 0);
	assert(runtime_log_emit(dirfd, &t, "system-preparing", NULL, 0, &e) == 0);
	assert(runtime_log_emit(dirfd, &t, "compose-hash", "\xab\xcd", 2, &e) == 0);
	assert(runtime_log_read(dirfd, &log, &e) == 0 && log.n == 2);
	assert(log.events[1].version == 2);
	assert(event_log_replay(&log, NULL, &should));
	assert(tee_read(&t, TEE_RTMR_RUNTIME, &is, &e) == 0);
	assert(memcmp(&is, &should, sizeof(is)) == 0);
	assert(fstatat(dirfd, "runtime_events.log", &st, 0) == 0 && (st.st_mode & 0777) == 0600);
	remove_all(dirfd);
}

static void test_version_is_chosen_once(void)
{
	auto_close int dirfd = scratch();
	struct registers r = { dirfd };
	struct tee t = registers_tee(&r);
	struct err e = ERR_NONE;

	assert(runtime_log_emit(dirfd, &t, "x", NULL, 0, &e) == ERR_BAD_STATE);
	assert(strstr(e.text, "runtime event version is not configured"));
	assert(runtime_log_init(dirfd, 3, &e) == ERR_INPUT);
	assert(runtime_log_init(dirfd, 1, &e) == 0);
	assert(runtime_log_init(dirfd, 1, &e) == 0);
	assert(runtime_log_init(dirfd, 2, &e) == ERR_CONFLICT);
	remove_all(dirfd);
}

static int refuse(void *ctx, unsigned int index, const struct digest384 *d, struct err *e)
{
	(void)ctx;
	(void)index;
	(void)d;
	return err_set(e, ERR_MISSING, "no register");
}

static void test_refused_digest_leaves_no_line(void)
{
	static const struct tee_ops ops = { .extend = refuse };
	const struct tee t = { TEE_TDX, &ops, NULL };
	auto_event_log struct event_log log = { 0 };
	auto_close int dirfd = scratch();
	struct err e = ERR_NONE;

	assert(runtime_log_init(dirfd, 1, &e) == 0);
	assert(runtime_log_emit(dirfd, &t, "x", NULL, 0, &e) == ERR_MISSING);
	assert(runtime_log_read(dirfd, &log, &e) == 0 && log.n == 0);
	remove_all(dirfd);
}

static void emit_many(int dirfd)
{
	struct registers r = { dirfd };
	struct tee t = registers_tee(&r);
	int i;

	for (i = 0; i < 20; i++)
		assert(runtime_log_emit(dirfd, &t, "x", "y", 1, NULL) == 0);
}

static void test_two_processes_do_not_lose_an_event(void)
{
	auto_event_log struct event_log log = { 0 };
	auto_close int dirfd = scratch();
	struct registers r = { dirfd };
	struct tee t = registers_tee(&r);
	struct digest384 is, should;
	struct err e = ERR_NONE;
	int status;
	pid_t pid;

	assert(runtime_log_init(dirfd, 1, &e) == 0);
	pid = fork();
	assert(pid >= 0);
	if (pid == 0) {
		emit_many(dirfd);
		_exit(0);
	}
	emit_many(dirfd);
	assert(waitpid(pid, &status, 0) == pid && status == 0);
	assert(runtime_log_read(dirfd, &log, &e) == 0 && log.n == 40);
	assert(event_log_replay(&log, NULL, &should));
	assert(tee_read(&t, TEE_RTMR_RUNTIME, &is, &e) == 0);
	assert(memcmp(&is, &should, sizeof(is)) == 0);
	remove_all(dirfd);
}

static void test_damaged_register_is_an_error(void)
{
	auto_close int dirfd = scratch();
	auto_close int fd = openat(dirfd, "rtmr3:sha384", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct registers r = { dirfd };
	struct tee t = registers_tee(&r);
	struct err e = ERR_NONE;
	struct digest384 d;

	assert(fd >= 0 && fd_write_all(fd, "short", 5) == 0);
	assert(tee_read(&t, TEE_RTMR_RUNTIME, &d, &e) == ERR_CORRUPT);
	remove_all(dirfd);
}

int main(void)
{
	test_register_holds_what_the_log_replays_to();
	test_version_is_chosen_once();
	test_refused_digest_leaves_no_line();
	test_two_processes_do_not_lose_an_event();
	test_damaged_register_is_an_error();
	return 0;
}
