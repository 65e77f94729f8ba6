/* SPDX-License-Identifier: Apache-2.0 */
#include "vsockdev/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/err.h"
#include "base/fd.h"
#include "vsockdev/device.h"

/* Under a sanitizer its run time needs memory, files and system calls of its own. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

enum {
	EXTRA_FDS = 64,
	DATA_MAX = 160 * 1024 * 1024, /* 1024 x 64 KiB + 16 MiB of backlog, and ourselves */
};

int sandbox_early(int keep_fd, struct err *e)
{
	unsigned int keep = keep_fd > 2 ? (unsigned int)keep_fd : 0;

	if (keep > 3 && close_range(3, keep - 1, 0) < 0)
		return err_errno(e, errno, "cannot close descriptors");
	if (close_range(keep ? keep + 1 : 3, ~0u, 0) < 0)
		return err_errno(e, errno, "cannot close descriptors");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    (!SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0))
		return err_errno(e, errno, "cannot give up privileges");
	return 0;
}

int sandbox_find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid, struct err *e)
{
	const struct passwd *p = getpwnam(name);

	if (!p)
		return err_set(e, ERR_INPUT, "there is no user '%s'", name);
	*ret_uid = p->pw_uid;
	*ret_gid = p->pw_gid;
	return 0;
}

int sandbox_user(uid_t uid, gid_t gid, struct err *e)
{
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return err_errno(e, errno, "cannot become user %u", uid);
	if (uid != 0 && setuid(0) == 0)
		return err_set(e, -EPERM, "became user %u, but the way back is open", uid);
	return 0;
}

static int limit(int what, rlim_t n, struct err *e)
{
	struct rlimit l = { .rlim_cur = n, .rlim_max = n }, old;

	/* an ordinary user may not raise what it was given */
	if (getrlimit((__rlimit_resource_t)what, &old) == 0 && old.rlim_max < n)
		l.rlim_cur = l.rlim_max = old.rlim_max;
	if (setrlimit((__rlimit_resource_t)what, &l) < 0)
		return err_errno(e, errno, "cannot set resource limit %d", what);
	return 0;
}

int sandbox_limits(struct err *e)
{
	int rc = limit(RLIMIT_NOFILE, DEVICE_STREAMS + EXTRA_FDS, e);

	if (rc == 0)
		rc = limit(RLIMIT_CORE, 0, e);
	if (rc == 0 && !SANITIZED)
		rc = limit(RLIMIT_DATA, DATA_MAX, e);
	if (rc == 0 && !SANITIZED)
		rc = limit(RLIMIT_NPROC, 0, e);
	return rc;
}

/*
 * Landlock's structures by their published layout: the headers of Debian 12 are
 * older than the kernels we meet, and a right that is not named is not taken away.
 */
struct ruleset {
	uint64_t files, net, scoped;
};

static uint64_t rights_of(long abi)
{
	/* ABI 1 knows 13 rights; 2 adds refer, 3 truncate, 5 ioctl on devices */
	unsigned int n = abi >= 5 ? 16 : abi >= 3 ? 15 : abi == 2 ? 14 : 13;

	return ((uint64_t)1 << n) - 1;
}

static int allow_removal(int ruleset, const char *dir, struct err *e)
{
	struct landlock_path_beneath_attr a = { .allowed_access = LANDLOCK_ACCESS_FS_REMOVE_FILE };
	auto_close int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return err_errno(e, errno, "cannot open folder '%s'", dir);
	a.parent_fd = fd;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &a, 0) < 0)
		return err_errno(e, errno, "cannot name folder '%s' to landlock", dir);
	return 0;
}

int sandbox_files(const char *const *dirs, size_t n, struct err *e)
{
	struct ruleset r = { .files = 0 };
	auto_close int fd = -1;
	size_t i, size;
	long abi;
	int rc = 0;

	if (SANITIZED)
		return 0;
	abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 1)
		return err_set(e, -EOPNOTSUPP, "this kernel has no landlock");
	r.files = rights_of(abi);
	r.net = abi >= 4 ? 3 : 0;    /* binding and connecting TCP */
	r.scoped = abi >= 6 ? 3 : 0; /* abstract unix sockets and signals of others */
	size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	fd = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
	if (fd < 0)
		return err_errno(e, errno, "cannot make landlock rules");
	for (i = 0; rc == 0 && i < n; i++)
		rc = allow_removal(fd, dirs[i], e);
	if (rc == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		return err_errno(e, errno, "cannot apply landlock rules");
	return rc;
}

static const int calls[] = {
	/* the loop, and waiting for QEMU */
	SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_create1),
	SCMP_SYS(poll),
	/* streams, log lines, eventfds */
	SCMP_SYS(read),
	SCMP_SYS(readv),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	SCMP_SYS(close),
	/* unix sockets; socket() and setsockopt() are below */
	SCMP_SYS(accept4),
	SCMP_SYS(connect),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendto),
	SCMP_SYS(recvmsg),
	SCMP_SYS(shutdown),
	/* guest memory and malloc; mmap() is below */
	SCMP_SYS(munmap),
	SCMP_SYS(madvise),
	SCMP_SYS(brk),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(getrandom),
	/* removing our sockets at the end */
	SCMP_SYS(unlink),
	SCMP_SYS(exit_group),
	/* clocks, where the kernel cannot answer without a call */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(gettimeofday),
	/* return from the handler that names a memory fault; abort() */
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction),
};

/* Calls of which only some arguments are allowed. */
static const struct {
	int call;
	struct scmp_arg_cmp arg;
} some[] = {
	{ SCMP_SYS(socket), { .arg = 0, .op = SCMP_CMP_EQ, .datum_a = AF_UNIX } },
	{ SCMP_SYS(setsockopt), { .arg = 1, .op = SCMP_CMP_EQ, .datum_a = SOL_SOCKET } },
	/* of a console: a hole in its front, and nothing that makes it larger */
	{ SCMP_SYS(fallocate),
	  { .arg = 1, .op = SCMP_CMP_EQ, .datum_a = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE } },
	/* memory that is never code */
	{ SCMP_SYS(mmap), { .arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = PROT_EXEC } },
};

static int allow_all(scmp_filter_ctx f)
{
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < sizeof calls / sizeof calls[0]; i++)
		rc = seccomp_rule_add(f, SCMP_ACT_ALLOW, calls[i], 0);
	for (i = 0; rc == 0 && i < sizeof some / sizeof some[0]; i++)
		rc = seccomp_rule_add_array(f, SCMP_ACT_ALLOW, some[i].call, 1, &some[i].arg);
	return rc;
}

int sandbox_final(struct err *e)
{
	scmp_filter_ctx f;
	int rc = -ENOMEM;

	if (SANITIZED)
		return 0;
	f = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (f)
		rc = allow_all(f);
	if (rc == 0)
		rc = seccomp_load(f);
	seccomp_release(f);
	return rc < 0 ? err_errno(e, -rc, "cannot apply the list of system calls") : 0;
}
