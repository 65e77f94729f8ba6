/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/mounts.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"

enum { QUIET = MS_NOSUID | MS_NODEV | MS_NOEXEC };

static const struct mount_row {
	const char *source, *target, *type, *options;
	unsigned long flags;
	mode_t mode;	  /* of the mount point, if it is made */
	bool is_optional; /* a kernel without it still boots */
} rows[] = {
	{ "proc", "/proc", "proc", NULL, QUIET, 0555, false },
	{ "sysfs", "/sys", "sysfs", NULL, QUIET, 0555, false },
	{ "devtmpfs", "/dev", "devtmpfs", "mode=0755", MS_NOSUID | MS_NOEXEC, 0755, false },
	{ "devpts", "/dev/pts", "devpts", "mode=0620,ptmxmode=0666", MS_NOSUID | MS_NOEXEC, 0755,
	  true },
	{ "tmpfs", "/dev/shm", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV, 0755, false },
	{ "tmpfs", "/run", "tmpfs", "mode=0755", MS_NOSUID | MS_NODEV, 0755, false },
	{ "tmpfs", "/tmp", "tmpfs", "mode=1777", MS_NOSUID | MS_NODEV, 0755, false },
	/* secrets live here: if the app has swap at all, it is on the encrypted disk; readable by root only */
	{ "tmpfs", "/dstack", "tmpfs", "mode=0755", MS_NOSUID | MS_NODEV, 0755, false },
	{ "cgroup2", "/sys/fs/cgroup", "cgroup2", NULL, QUIET, 0555, true },
	{ "configfs", "/sys/kernel/config", "configfs", NULL, QUIET, 0755, true },
	{ "securityfs", "/sys/kernel/security", "securityfs", NULL, QUIET, 0755, true },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static int make_one(const struct mount_row *m, struct err *e)
{
	/* sysfs makes its own mount points; a missing one says that the kernel lacks the type */
	if (!m->is_optional && file_mkdir(-1, m->target, m->mode, e) < 0)
		return err_wrap(e, e->code, "mount point %s", m->target);
	if (m->is_optional)
		(void)file_mkdir(-1, m->target, m->mode, NULL);
	if (mount(m->source, m->target, m->type, m->flags, m->options) == 0 || errno == EBUSY)
		return 0;
	if (m->is_optional) {
		log_debug("mount: %s is not available: %s", m->target, err_name(-errno));
		return 0;
	}
	return err_errno(e, errno, "mount %s at %s", m->type, m->target);
}

int mounts_make(struct err *e)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < ROWS; i++)
		r = make_one(&rows[i], e);
	return r;
}

void mounts_drop(void)
{
	size_t i;

	sync();
	for (i = ROWS; i > 0; i--)
		(void)umount2(rows[i - 1].target, MNT_DETACH);
	sync();
}
