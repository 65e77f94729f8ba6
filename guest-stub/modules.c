/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/modules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/module.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/str.h"

/* The program that the kernel asks for modules; empty: none. */
#define ASKED "/proc/sys/kernel/modprobe"

int modules_next(const char **text, char ret[static MODULES_PATH_SIZE])
{
	const char *line, *end;

	do {
		line = *text;
		if (*line == 0)
			return 0;
		end = strchrnul(line, '\n');
		*text = *end ? end + 1 : end;
	} while (end == line || *line == '#');
	if (*line != '/')
		return -EINVAL;
	if (end - line >= MODULES_PATH_SIZE)
		return -ENAMETOOLONG;
	(void)str_format(ret, MODULES_PATH_SIZE, "%.*s", (int)(end - line), line);
	return 1;
}

/* Return: 0 or a negative errno. */
static int load(const char *path)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t n = strlen(path);
	int flags = 0;

	if (fd < 0)
		return -errno;
	if (n < 3 || strcmp(path + n - 3, ".ko") != 0)
		flags = MODULE_INIT_COMPRESSED_FILE;
	if (syscall(SYS_finit_module, fd, "", flags) == 0 || errno == EEXIST)
		return 0;
	return -errno;
}

int modules_load(const char *list, struct err *e)
{
	auto_buf struct buf b = { 0 };
	char path[MODULES_PATH_SIZE];
	const char *at;
	int r, failed, n = 0;

	r = file_read(AT_FDCWD, list, MODULES_LIST_MAX, &b, e);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return r;
	for (at = (const char *)b.p; (r = modules_next(&at, path)) > 0;) {
		failed = load(path);
		if (failed < 0)
			log_warn("module %s: %s", path, err_name(failed));
		else
			n++;
	}
	return r < 0 ? err_set(e, r, "%s: a line is no absolute path of at most %d bytes", list,
			       MODULES_PATH_SIZE - 1)
		     : n;
}

int modules_load_complete(const char *list, struct err *e)
{
	auto_close int fd = open(ASKED, O_RDWR | O_CLOEXEC);
	char who[MODULES_PATH_SIZE];
	ssize_t n = fd < 0 ? -1 : read(fd, who, sizeof(who));
	bool is_off = n > 0 && pwrite(fd, "\n", 1, 0) == 1;
	int r = modules_load(list, e);

	if (is_off && pwrite(fd, who, (size_t)n, 0) != n)
		log_warn("modules: " ASKED ": %s", err_name(-errno));
	return r;
}
