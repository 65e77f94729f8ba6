/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/tsm_report.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/str.h"
#include "base/time.h"

enum { POLL_MS = 10, SMALL_MAX = 128, AGAIN = 1 };

static void pause_ms(unsigned int ms)
{
	(void)poll(NULL, 0, (int)ms);
}

/*
 * A file of the directory from its beginning.  configfs makes the bytes when it is read and tells no size, so
 * the length is only known at the end.
 */
static int read_file(int dir, const char *name, void *p, size_t room, size_t *ret, struct err *e)
{
	auto_close int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return err_errno(e, errno, "open %s", name);
	n = fd_read_full(fd, p, room);
	if (n < 0)
		return err_errno(e, (int)-n, "read %s", name);
	*ret = (size_t)n;
	return 0;
}

/* A short text, without the newline at its end. */
static int read_text(int dir, const char *name, char ret[static SMALL_MAX], struct err *e)
{
	size_t n = 0;
	int r = read_file(dir, name, ret, SMALL_MAX - 1, &n, e);

	if (r < 0)
		return r;
	ret[n] = 0;
	ret[strcspn(ret, "\n")] = 0;
	return 0;
}

static int read_generation(int dir, uint64_t *ret, struct err *e)
{
	char text[SMALL_MAX], shown[SMALL_MAX];
	int r = read_text(dir, "generation", text, e);

	if (r < 0)
		return r;
	if (num_parse_u64(text, 0, UINT64_MAX, ret) < 0)
		return err_set(e, ERR_PROTO, "generation is \"%s\", not a number",
			       str_escape(shown, sizeof(shown), text, strlen(text)));
	return 0;
}

static int check_provider(const struct tsm_report *t, int dir, struct err *e)
{
	char text[SMALL_MAX], shown[SMALL_MAX];
	int r = read_text(dir, "provider", text, e);

	if (r < 0 || str_starts(text, t->provider))
		return r;
	return err_set(e, ERR_MISSING, "reports are made by %s, not by %s",
		       str_escape(shown, sizeof(shown), text, strlen(text)), t->provider);
}

/* Return: an fd of inblob that holds the lock. */
static int open_locked(const struct tsm_report *t, int dir, struct err *e)
{
	auto_close int fd = openat(dir, "inblob", O_WRONLY | O_CLOEXEC);
	uint64_t end = time_mono_ms() + t->lock_ms;

	if (fd < 0)
		return err_errno(e, errno, "open inblob");
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_errno(e, errno, "lock inblob");
		if (time_mono_ms() >= end)
			return err_set(e, -ETIMEDOUT, "others have been making reports for %u ms",
				       t->lock_ms);
		pause_ms(POLL_MS);
	}
	return steal_fd(&fd);
}

/* Busy is the kernel's word while another report is being made: told apart from all other failures. */
static int write_data(const struct tsm_report *t, int fd, const uint8_t *data, struct err *e)
{
	unsigned int i;
	ssize_t n = -1;

	for (i = 0; i < TSM_REPORT_TRIES; i++) {
		if (i > 0)
			pause_ms(t->busy_ms);
		if (lseek(fd, 0, SEEK_SET) < 0)
			return err_errno(e, errno, "seek inblob");
		n = t->write(fd, data, TSM_REPORT_DATA_SIZE);
		if (n == TSM_REPORT_DATA_SIZE)
			return 0;
		if (n >= 0 || errno != EBUSY)
			return err_errno(e, n < 0 ? errno : EIO, "write inblob");
	}
	return err_set(e, -EBUSY, "the machine is busy with other reports");
}

/* Wait until the write is counted.  Return: 0; AGAIN if somebody else's was, too; negative. */
static int wait_counted(const struct tsm_report *t, int dir, uint64_t before, struct err *e)
{
	uint64_t end = time_mono_ms() + t->generation_ms, now;
	int r;

	for (;;) {
		r = read_generation(dir, &now, e);
		if (r < 0)
			return r;
		if (now != before)
			return now == before + 1 ? 0 : AGAIN;
		if (time_mono_ms() >= end)
			return err_set(e, -ETIMEDOUT, "the report was not begun within %u ms",
				       t->generation_ms);
		pause_ms(POLL_MS);
	}
}

static int read_quote(int dir, struct buf *ret, struct err *e)
{
	auto_buf struct buf quote = BUF_MAX(TSM_REPORT_MAX);
	size_t n = 0;
	int r = buf_reserve(&quote, TSM_REPORT_MAX);

	r = r ? err_set(e, r, "no memory for a quote")
	      : read_file(dir, "outblob", quote.p, TSM_REPORT_MAX, &n, e);
	if (r < 0)
		return r;
	if (n <= TSM_REPORT_MIN || n >= TSM_REPORT_MAX) {
		return err_set(
			e, ERR_PROTO,
			"outblob holds %zu bytes%s; a quote has more than %d and less than %d", n,
			n == TSM_REPORT_MAX ? " or more" : "", TSM_REPORT_MIN, TSM_REPORT_MAX);
	}
	r = buf_add(ret, quote.p, n);
	return r < 0 ? err_set(e, r, "the quote does not fit") : 0;
}

/* Return: 0; AGAIN when the report was not ours from beginning to end; negative. */
static int try_once(const struct tsm_report *t, int dir, int in, const uint8_t *data,
		    struct buf *ret, struct err *e)
{
	uint64_t before = 0, after = 0;
	size_t was = ret->n;
	int r = read_generation(dir, &before, e);

	if (r == 0)
		r = write_data(t, in, data, e);
	if (r == 0)
		r = wait_counted(t, dir, before, e);
	if (r == 0)
		r = read_quote(dir, ret, e);
	if (r == 0)
		r = read_generation(dir, &after, e);
	if (r == 0 && after != before + 1)
		r = AGAIN;
	if (r != 0)
		ret->n = was;
	return r;
}

int tsm_report_quote(const struct tsm_report *t, const uint8_t data[static TSM_REPORT_DATA_SIZE],
		     struct buf *ret, struct err *e)
{
	auto_close int dir = open(t->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), in = -1;
	unsigned int i;
	int r;

	if (dir < 0)
		return err_errno(e, errno, "open %s", t->dir);
	r = check_provider(t, dir, e);
	if (r == 0)
		r = in = open_locked(t, dir, e);
	if (r < 0)
		return err_wrap(e, r, "%s", t->dir);
	r = AGAIN;
	for (i = 0; r == AGAIN && i < TSM_REPORT_TRIES; i++)
		r = try_once(t, dir, in, data, ret, e);
	if (r == AGAIN)
		r = err_set(e, -EBUSY, "others write to it at the same time");
	return r < 0 ? err_wrap(e, r, "%s", t->dir) : 0;
}
