/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/discovery.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "base/version.h"
#include "daemon/config.h"
#include "daemon/proc_figures.h"
#include "data/json.h"

enum { RECORD_MAX = 6 * 1024, SWEPT_MAX = 1000 };

static const char product[] = "bailey";

int discovery_folder(char *ret, unsigned int size)
{
	const char *dir = getenv("XDG_RUNTIME_DIR");
	char run[64];

	if (!dir || *dir != '/') {
		(void)str_format(run, sizeof(run), "/run/user/%u", (unsigned int)geteuid());
		dir = run;
	}
	if (access(dir, W_OK | X_OK) < 0)
		return -1;
	return str_format(ret, size, "%s/dstack-vmm", dir) < 0 ? -1 : 0;
}

/* Ours, and nobody holds its lock: its daemon is gone, whatever has its pid now. */
static bool is_left_over(int dirfd, const char *name)
{
	auto_close int fd =
		openat(dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	char text[RECORD_MAX];
	struct stat st;
	json_t *j = NULL;
	bool is_ours;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    flock(fd, LOCK_EX | LOCK_NB) < 0)
		return false;
	n = fd_read_full(fd, text, sizeof(text));
	if (n <= 0 || json_parse(text, (size_t)n, sizeof(text), name, &j, NULL))
		return false;
	is_ours = str_equal(json_get_str(j, "product", ""), product);
	json_decref(j);
	return is_ours;
}

static void sweep(int dirfd)
{
	int copy = dup(dirfd), n = 0;
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);
	const struct dirent *x;

	if (!dir) {
		(void)fd_close(copy);
		return;
	}
	while (n++ < SWEPT_MAX && (x = readdir(dir))) {
		if (str_ends(x->d_name, ".json") && is_left_over(dirfd, x->d_name))
			(void)unlinkat(dirfd, x->d_name, 0);
	}
	(void)closedir(dir);
}

static void new_id(char ret[static 37])
{
	uint8_t b[16];
	char hex[33];

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		abort(); /* sixteen bytes cannot fail once the pool is up */
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	str_hex(hex, b, sizeof(b));
	(void)str_format(ret, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
			 hex + 20);
}

static char *record(const struct config *c, const char *id, const char *image_dir)
{
	auto_free char *address = xasprintf("unix:%s", c->api_socket);
	auto_free char *vms = xasprintf("%s/vm", c->state), *cwd = getcwd(NULL, 0);
	json_t *j = json_pack("{s:s, s:i, s:s, s:s, s:s?, s:s, s:s, s:s, s:s, s:I, s:s, s:I}", "id",
			      id, "pid", (int)getpid(), "address", address, "working_dir",
			      cwd ? cwd : "/", "config_file", c->file, "image_path", image_dir,
			      "run_path", vms, "node_name", c->name, "version",
			      "v" DSTACK_VERSION " (bailey:" BAILEY_VERSION ")", "started_at",
			      (json_int_t)(time_unix_ms() / 1000), "product", product, "pid_start",
			      (json_int_t)proc_figures_start(getpid()));
	char *text = json_pretty(j);

	json_decref(j);
	return text;
}

/* Locked before it has its name, so that nobody can take it for one that was left. */
static int write_record(struct discovery *x, int dirfd, const char *id, const char *text)
{
	char aside[64], name[64];
	auto_close int fd = -1;
	int rc;

	(void)str_format(aside, sizeof(aside), ".%s.new", id);
	(void)str_format(name, sizeof(name), "%s.json", id);
	fd = openat(dirfd, aside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	rc = fd_write_all(fd, text, strlen(text));
	if (!rc && renameat(dirfd, aside, dirfd, name) < 0)
		rc = -errno;
	if (rc) {
		(void)unlinkat(dirfd, aside, 0);
		return rc;
	}
	x->fd = steal_fd(&fd);
	return 0;
}

int discovery_begin(struct discovery *x, const char *folder, const struct config *c,
		    const char *image_dir, struct err *e)
{
	auto_close int dirfd = -1;
	auto_free char *text = NULL;
	char id[37];
	int rc = file_mkdir(AT_FDCWD, folder, 0700, e);

	*x = DISCOVERY_NULL;
	if (rc)
		return rc;
	dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dirfd < 0)
		return err_errno(e, errno, "cannot open '%s'", folder);
	sweep(dirfd);
	new_id(id);
	text = record(c, id, image_dir);
	rc = str_format(x->path, sizeof(x->path), "%s/%s.json", folder, id);
	if (rc >= 0)
		rc = write_record(x, dirfd, id, text);
	return rc ? err_errno(e, -rc, "cannot write a record in '%s'", folder) : 0;
}

void discovery_end(struct discovery *x)
{
	if (x->fd < 0)
		return;
	(void)unlink(x->path);
	x->fd = fd_close(x->fd);
}
