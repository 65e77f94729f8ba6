/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/runtime_log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "tee/event.h"
#include "tee/tee.h"

#define VERSION_FILE "runtime_event_version"
#define LOCK_FILE    "runtime_event.lock"
#define LOG_FILE     "runtime_events.log"

enum { VERSION_FILE_MAX = 16 };

/* The version in the file; 0 if there is none. */
static int read_version(int dirfd, unsigned int *ret, struct err *e)
{
	auto_buf struct buf b = { 0 };
	int r = file_read(dirfd, VERSION_FILE, VERSION_FILE_MAX, &b, e);

	*ret = 0;
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	if (b.n > 0 && b.p[b.n - 1] == '\n')
		b.n--;
	if (b.n != 1 || (b.p[0] != '1' && b.p[0] != '2'))
		return err_set(e, ERR_CORRUPT, VERSION_FILE " holds neither 1 nor 2");
	*ret = (unsigned int)(b.p[0] - '0');
	return 0;
}

/* Return: an fd whose closing lets go of the lock, or negative. */
static int take_lock(int dirfd, struct err *e)
{
	auto_close int fd =
		openat(dirfd, LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return err_errno(e, errno, "open %s", LOCK_FILE);
	do
		r = flock(fd, LOCK_EX);
	while (r < 0 && errno == EINTR);
	if (r < 0)
		return err_errno(e, errno, "lock %s", LOCK_FILE);
	return steal_fd(&fd);
}

int runtime_log_init(int dirfd, unsigned int version, struct err *e)
{
	auto_close int lock = -1;
	unsigned int was;
	int r;

	if (version != 1 && version != 2)
		return err_set(e, ERR_INPUT, "runtime event version %u is neither 1 nor 2",
			       version);
	lock = take_lock(dirfd, e);
	if (lock < 0)
		return lock;
	r = read_version(dirfd, &was, e);
	if (r < 0)
		return r;
	if (was == version)
		return 0;
	if (was != 0)
		return err_set(e, ERR_CONFLICT, "runtime event version is %u already, not %u", was,
			       version);
	return file_replace(dirfd, VERSION_FILE, 0644, version == 1 ? "1" : "2", 1, e);
}

static int append(int dirfd, const struct buf *line, struct err *e)
{
	auto_close int fd = openat(dirfd, LOG_FILE,
				   O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	int r;

	if (fd < 0)
		return err_errno(e, errno, "open %s", LOG_FILE);
	r = fd_write_all(fd, line->p, line->n);
	return r < 0 ? err_errno(e, -r, "write %s", LOG_FILE) : 0;
}

int runtime_log_emit(int dirfd, const struct tee *t, const char *name, const void *payload,
		     size_t n, struct err *e)
{
	auto_buf struct buf line = BUF_MAX(EVENT_LOG_SIZE_MAX);
	struct event ev = { .name = name, .payload = payload, .n_payload = n };
	auto_close int lock = take_lock(dirfd, e);
	struct digest384 d;
	int r;

	if (lock < 0)
		return lock;
	r = read_version(dirfd, &ev.version, e);
	if (r < 0)
		return r;
	if (ev.version == 0) {
		return err_set(e, ERR_BAD_STATE,
			       "runtime event version is not configured; complete dstack system "
			       "setup before emitting events");
	}
	r = event_check(&ev, e);
	if (r == 0)
		r = event_line(&ev, &line);
	if (r < 0)
		return err_wrap(e, r, "event %s", name);
	d = event_digest(&ev);
	r = tee_extend(t, TEE_RTMR_RUNTIME, &d, e);
	return r ? err_wrap(e, r, "event %s", name) : append(dirfd, &line, e);
}

int runtime_log_lock(int dirfd, struct err *e)
{
	return take_lock(dirfd, e);
}

void runtime_log_unlock(int lock)
{
	(void)fd_close(lock);
}

int runtime_log_read(int dirfd, struct event_log *ret, struct err *e)
{
	auto_buf struct buf b = { 0 };
	int r = file_read(dirfd, LOG_FILE, EVENT_LOG_SIZE_MAX, &b, e);

	if (r == -ENOENT) {
		*ret = (struct event_log){ 0 };
		return 0;
	}
	return r ? r : event_log_parse(b.p, b.n, ret, e);
}
