/* SPDX-License-Identifier: Apache-2.0 */
#include "base/line_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

static int open_file(struct line_file *f)
{
	struct stat st;

	f->fd = openat(f->dirfd, f->name,
		       O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (f->fd < 0)
		return -errno;
	if (fstat(f->fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		f->fd = fd_close(f->fd);
		return -EINVAL;
	}
	f->size = (uint64_t)st.st_size;
	return 0;
}

int line_file_open(struct line_file *f, const char *folder, const char *name, uint64_t max,
		   struct err *e)
{
	int rc = 0;

	*f = LINE_FILE_NULL;
	f->max = max;
	if (str_copy(f->name, sizeof(f->name), name) < 0 ||
	    str_format(f->before, sizeof(f->before), "%s.1", name) < 0)
		rc = -ENAMETOOLONG;
	if (rc == 0) {
		f->dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		rc = f->dirfd < 0 ? -errno : open_file(f);
	}
	if (rc == 0)
		return 0;
	line_file_close(f);
	return err_errno(e, -rc, "cannot open '%s/%s'", folder, name);
}

void line_file_close(struct line_file *f)
{
	f->fd = fd_close(f->fd);
	f->dirfd = fd_close(f->dirfd);
}

/* A file that cannot be renamed grows, rather than being lost. */
static int move_on(struct line_file *f)
{
	if (renameat(f->dirfd, f->name, f->dirfd, f->before) < 0)
		return 0;
	f->fd = fd_close(f->fd);
	return open_file(f);
}

int line_file_add(struct line_file *f, const char *line)
{
	auto_free char *text = xasprintf("%s\n", line);
	int rc = 0;

	if (f->fd >= 0 && f->size >= f->max)
		rc = move_on(f);
	if (rc == 0)
		rc = f->fd < 0 ? -EBADF : fd_write_all(f->fd, text, strlen(text));
	if (rc == 0)
		f->size += strlen(text);
	return rc;
}
