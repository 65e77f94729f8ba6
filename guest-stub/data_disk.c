/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A first format is framed by a mark (disk_content.h): written before anything else, taken away when the file system
 * is mounted and the header, which comes last, is on the disk.  A boot that finds it starts again; one that does not
 * find it formats blank disks only.
 *
 * Where the key ends with the boot there is no header at all: nobody will ever open the disk again, so it is mapped
 * with 64 random bytes, and the mark for that stays.
 */
#include "guest-stub/data_disk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/swap.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/inject.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/str.h"
#include "guest-stub/disk_content.h"
#include "guest-stub/disk_find.h"
#include "guest-stub/disk_luks.h"
#include "guest-stub/disk_options.h"
#include "guest-stub/disk_plan.h"
#include "guest-stub/disk_tools.h"
#include "guest-stub/modules.h"
#include "guest-stub/notices.h"
#include "guest-stub/supervisor.h"
#include "guest-stub/swap_file.h"

#define MODULES_DISK "/etc/bailey/modules.disk"
#define SWAP_NAME    "swapfile"
#define NO_DISK	     "there is no data disk: everything is kept in memory"
#define NO_SWAP	     ", and swap_size is ignored"
/* _IOW('f', 16, __u64) of the kernel's fs/ext4/ext4.h, which no header exports */
#define EXT4_RESIZE _IOW('f', 16, uint64_t)

enum {
	FLEETING_SIZE = 64, /* two keys of AES-256: XTS */
	CMDLINE_MAX = 4096, /* the kernel's own is 2048 */
	PATH_ROOM = 256,
	EXT4_BLOCK = 4096,
};

/* What a call works on. */
struct disk {
	const struct data_disk_args *args;
	struct supervisor *supervisor;
	char device[DISK_PATH_SIZE];
	int fd; /* of the device */
	struct disk_state state;
	enum disk_plan plan;
	bool is_mapped;
	struct buf header; /* of a new volume, before it is on the disk */
};

static bool makes(enum disk_plan p)
{
	return p == DISK_MAKE_LUKS || p == DISK_MAKE_PLAIN || p == DISK_MAKE_FLEETING;
}

static bool encrypts(enum disk_plan p)
{
	return p != DISK_MAKE_PLAIN && p != DISK_OPEN_PLAIN;
}

/* The device that holds the file system. */
static const char *fs_device(const struct disk *d)
{
	return encrypts(d->plan) ? DISK_MAPPED_PATH : d->device;
}

static int read_options(const char *storage_fs, struct disk_options *ret, struct err *e)
{
	auto_close int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	char text[CMDLINE_MAX];
	ssize_t n = fd < 0 ? -errno : fd_read_full(fd, text, sizeof(text) - 1);

	if (n < 0)
		return err_errno(e, (int)-n, "read /proc/cmdline");
	text[n] = 0;
	return disk_options_read(text, storage_fs, ret, e);
}

static struct disk_luks volume_of(const struct disk *d)
{
	return (struct disk_luks){
		.supervisor = d->supervisor, .device = d->device, .fd = d->fd, .key = d->args->key
	};
}

static int map_fleeting(const struct disk *d, struct err *e)
{
	uint8_t key[FLEETING_SIZE];
	const struct disk_key k = { key, sizeof(key) };
	int r = disk_mark_write(d->fd, disk_mark_front(), DISK_MARK_FLEETING, e);

	if (r < 0)
		return r;
	secret_random(key, sizeof(key));
	r = disk_tools_plain_open(d->supervisor, d->device, &k, e);
	secret_wipe(key, sizeof(key));
	return r;
}

static int map_new_luks(struct disk *d, struct err *e)
{
	const struct disk_luks v = volume_of(d);
	int r = disk_mark_write(d->fd, disk_mark_front(), DISK_MARK_UNFINISHED, e);

	inject_point("data_disk.marked");
	return r ? r : disk_luks_make(&v, &d->header, e);
}

static int map_luks(const struct disk *d, struct err *e)
{
	const struct disk_luks v = volume_of(d);

	return disk_luks_open(&v, e);
}

/* Make fs_device() be there. */
static int map(struct disk *d, struct err *e)
{
	int r = 0;

	switch (d->plan) {
	case DISK_MAKE_LUKS:
		r = map_new_luks(d, e);
		break;
	case DISK_OPEN_LUKS:
		r = map_luks(d, e);
		break;
	case DISK_MAKE_FLEETING:
		r = map_fleeting(d, e);
		break;
	case DISK_MAKE_PLAIN:
		r = disk_mark_write(d->fd, disk_mark_end(d->state.size), DISK_MARK_UNFINISHED, e);
		break;
	case DISK_OPEN_PLAIN:
	case DISK_PLAN_COUNT:
	default:
		break;
	}
	d->is_mapped = r == 0 && encrypts(d->plan);
	return r;
}

/* It opened with our key; what is in it must be what we make. */
static int check_fs(const struct disk *d, struct err *e)
{
	auto_close int fd = open(fs_device(d), O_RDONLY | O_CLOEXEC);
	uint8_t front[DISK_EXT4_SPAN];

	if (fd < 0)
		return err_errno(e, errno, "open %s", fs_device(d));
	if (fd_read_full(fd, front, sizeof(front)) != (ssize_t)sizeof(front))
		return err_set(e, -EIO, "cannot read %s", fs_device(d));
	if (!disk_content_is_ext4(front)) {
		return err_set(e, ERR_PROTO,
			       "the key opens it, but no ext4 file system is in it: nothing on it "
			       "was changed");
	}
	return disk_tools_fsck(d->supervisor, fs_device(d), e);
}

static int make_fs(const struct disk *d, struct err *e)
{
	uint64_t n_blocks = 0;

	if (d->plan == DISK_MAKE_PLAIN) /* the mark is behind it */
		n_blocks = disk_mark_end(d->state.size) / EXT4_BLOCK;
	return disk_tools_mkfs(d->supervisor, fs_device(d), n_blocks, d->plan == DISK_MAKE_FLEETING,
			       e);
}

static int mount_fs(const struct disk *d, struct err *e)
{
	/* tables of a disk that is made anew each boot are not worth writing */
	const char *options = d->plan == DISK_MAKE_FLEETING ? "errors=remount-ro,noinit_itable"
							    : "errors=remount-ro";

	if (mount(fs_device(d), d->args->mount_point, "ext4", MS_NOATIME, options) < 0)
		return err_errno(e, errno, "mount %s", fs_device(d));
	return 0;
}

/* Let the file system take what the disk has grown by; that it stays smaller stops nobody. */
static void grow_fs(const struct disk *d)
{
	auto_close int device = open(fs_device(d), O_RDONLY | O_CLOEXEC);
	auto_close int fd = open(d->args->mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	off_t size = lseek(device, 0, SEEK_END);
	struct statvfs st;
	uint64_t n_blocks;

	if (size <= 0 || fd < 0 || fstatvfs(fd, &st) < 0)
		return;
	n_blocks = (uint64_t)size / st.f_bsize;
	if (ioctl(fd, EXT4_RESIZE, &n_blocks) < 0) {
		log_warn("data disk: resize to %llu blocks: %s", (unsigned long long)n_blocks,
			 err_name(-errno));
		notices_send(d->args->notices, "boot.notice",
			     "the data disk's file system cannot take all of the disk");
	}
}

/* The format is complete: from now on the disk is somebody's. */
static int finish(const struct disk *d, struct err *e)
{
	int r = 0;

	if (d->plan == DISK_MAKE_PLAIN)
		return disk_mark_write(d->fd, disk_mark_end(d->state.size), DISK_MARK_NONE, e);
	if (d->plan != DISK_MAKE_LUKS)
		return 0;
	r = disk_luks_store(d->fd, &d->header, e);
	return r ? r : disk_mark_write(d->fd, disk_mark_front(), DISK_MARK_NONE, e);
}

static int start_swap(const struct disk *d, struct data_disk *ret, struct err *e)
{
	char path[PATH_ROOM];
	int r;

	if (d->args->swap_size == 0)
		return 0;
	if (!encrypts(d->plan)) {
		return err_set(e, ERR_INPUT,
			       "swap_size needs an encrypted data disk: what is in memory would be "
			       "written to the host's disk");
	}
	if (str_format(path, sizeof(path), "%s/" SWAP_NAME, d->args->mount_point) < 0)
		return err_set(e, -ENAMETOOLONG, "mount point");
	r = swap_file_start(path, d->args->swap_size, e);
	ret->has_swap = r == 0;
	return r;
}

/* From an open device to a mounted file system. */
static int bring_up(struct disk *d, struct data_disk *ret, struct err *e)
{
	int r = modules_load_complete(MODULES_DISK, e);

	if (r >= 0)
		r = map(d, e);
	inject_point("data_disk.mapped");
	if (r == 0)
		r = makes(d->plan) ? make_fs(d, e) : check_fs(d, e);
	inject_point("data_disk.made");
	if (r == 0)
		r = mount_fs(d, e);
	inject_point("data_disk.mounted");
	if (r < 0)
		return r;
	if (!makes(d->plan))
		grow_fs(d);
	r = finish(d, e);
	return r ? r : start_swap(d, ret, e);
}

static int look(struct disk *d, const struct disk_options *o, struct err *e)
{
	const struct disk_wish wish = { .is_encrypted = o->is_encrypted,
					.is_key_kept = d->args->is_key_kept };
	int r;

	d->fd = open(d->device, O_RDWR | O_CLOEXEC);
	if (d->fd < 0)
		return err_errno(e, errno, "open it");
	r = disk_content_read(d->fd, &d->state, e);
	return r ? r : disk_plan_make(&d->state, &wish, &d->plan, e);
}

static int open_disk(struct disk *d, const struct disk_options *o, struct data_disk *ret,
		     struct err *e)
{
	struct data_disk got = { .fs = "ext4", .is_encrypted = o->is_encrypted };
	int r = look(d, o, e);

	if (r == 0) {
		got.is_new = makes(d->plan);
		notices_send(d->args->notices, "boot.progress",
			     got.is_new ? "initializing data disk" : "mounting data disk");
		r = bring_up(d, &got, e);
	}
	if (r < 0) {
		data_disk_close(d->args->mount_point);
		if (d->is_mapped)
			disk_tools_close(d->supervisor);
	}
	d->fd = fd_close(d->fd);
	buf_deinit(&d->header);
	if (r < 0)
		return r == -ECANCELED ? r : err_wrap(e, r, "data disk %s", d->device);
	log_info("data disk: %s, %s, %s", d->device, got.is_encrypted ? "encrypted" : "plain",
		 got.is_new ? "new" : "as it was");
	*ret = got;
	return 0;
}

int data_disk_open(const struct data_disk_args *a, struct data_disk *ret, struct err *e)
{
	static const struct disk_place place = { "/sys/class/block", "/dev" };
	struct disk d = { .args = a, .supervisor = a->supervisor, .fd = -1 };
	struct disk_options o;
	int r = read_options(a->storage_fs, &o, e);

	if (r == 0)
		r = file_mkdir_all(a->mount_point, 0755, e);
	if (r == 0)
		r = disk_find(&place, o.device, d.device, e);
	if (r == 0) {
		notices_send(a->notices, "boot.notice", a->swap_size ? NO_DISK NO_SWAP : NO_DISK);
		*ret = (struct data_disk){ .fs = NULL };
	}
	return r == 1 ? open_disk(&d, &o, ret, e) : r;
}

void data_disk_close(const char *mount_point)
{
	char path[PATH_ROOM];

	if (str_format(path, sizeof(path), "%s/" SWAP_NAME, mount_point) > 0)
		(void)swapoff(path);
	if (umount2(mount_point, 0) < 0 && errno == EBUSY) {
		/* somebody still holds a file: at least nothing is left half-written */
		(void)mount(NULL, mount_point, NULL, MS_REMOUNT | MS_RDONLY, NULL);
		(void)umount2(mount_point, MNT_DETACH);
	}
}
