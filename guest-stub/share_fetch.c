/* SPDX-License-Identifier: Apache-2.0 */
/* share_fetch: the part of share.h that touches devices */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "guest-stub/fat_label.h"
#include "guest-stub/share.h"

#define MOUNT_POINT "/tmp/.host-shared"
#define LABEL	    "DSTACKSHR"
#define TAG	    "host-shared"

enum {
	DEVICE_PATH_SIZE = 64,
	APPEAR_MS = 10000, /* a device that is not there by then will not come */
	POLL_MS = 50,
	/* what a share never needs */
	FLAGS = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
};

DEFINE_AUTO(DIR *, dir, closedir);
#define auto_dir __attribute__((cleanup(auto_dir_fn)))

static bool has_label(const char *device)
{
	auto_close int fd = open(device, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char sector[FAT_LABEL_SECTOR], label[FAT_LABEL_SIZE];

	if (fd < 0 || fd_read_full(fd, sector, sizeof(sector)) != (ssize_t)sizeof(sector))
		return false; /* an empty drive, or a disk smaller than a sector */
	return fat_label_of(sector, sizeof(sector), label) && str_equal(label, LABEL);
}

/* Return: 1 with the path of the disk, 0 if there is none, ERR_PROTO if there are two. */
static int find_disk(char ret[static DEVICE_PATH_SIZE], struct err *e)
{
	auto_dir DIR *dir = opendir("/sys/block");
	char path[DEVICE_PATH_SIZE];
	const struct dirent *d;
	int found = 0;

	while (dir && (d = readdir(dir))) {
		if (d->d_name[0] == '.' ||
		    str_format(path, sizeof(path), "/dev/%s", d->d_name) < 0 || !has_label(path))
			continue;
		if (found++)
			return err_set(e, ERR_PROTO, "two disks are labelled " LABEL ": %s and %s",
				       ret, path);
		(void)str_copy(ret, DEVICE_PATH_SIZE, path);
	}
	return found;
}

static int try_mount(struct err *e)
{
	char disk[DEVICE_PATH_SIZE] = "";
	int r = find_disk(disk, e);

	if (r < 0)
		return r;
	if (r > 0) {
		if (mount(disk, MOUNT_POINT, "vfat", FLAGS, NULL) == 0) {
			log_info("share: disk %s", disk);
			return 0;
		}
		return err_errno(e, errno, "mount %s (%s)", disk, LABEL);
	}
	if (mount(TAG, MOUNT_POINT, "9p", FLAGS, "trans=virtio,version=9p2000.L") == 0) {
		log_info("share: 9p tag " TAG);
		return 0;
	}
	return err_set(e, ERR_MISSING,
		       "no disk is labelled " LABEL " and no 9p share is named " TAG " (%s)",
		       err_name(-errno));
}

static int mount_share(struct err *e)
{
	uint64_t end = time_mono_ms() + APPEAR_MS;
	int r = file_mkdir_all(MOUNT_POINT, 0700, e);

	if (r < 0)
		return r;
	while ((r = try_mount(e)) == ERR_MISSING && time_mono_ms() < end)
		(void)poll(NULL, 0, POLL_MS);
	return r;
}

static int copy_from_mount(int to, struct err *e)
{
	auto_close int from = open(MOUNT_POINT, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (from < 0)
		return err_errno(e, errno, "open " MOUNT_POINT);
	return share_copy(from, to, e);
}

int share_fetch(int to, struct err *e)
{
	int r = mount_share(e);

	if (r < 0)
		return r;
	r = copy_from_mount(to, e);
	if (umount2(MOUNT_POINT, 0) < 0) {
		log_warn("share: umount: %s", err_name(-errno));
		(void)umount2(MOUNT_POINT, MNT_DETACH);
	}
	(void)rmdir(MOUNT_POINT);
	return r;
}
