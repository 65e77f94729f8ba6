/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/disk_find.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "guest-stub/fat_label.h"

#define SHARE_LABEL "DSTACKSHR"

enum { FILE_SIZE = 4096, NAME_SIZE = 32, SYS_PATH_SIZE = 320, SHOWN_SIZE = 72 };

DEFINE_AUTO(DIR *, dir, closedir);
#define auto_dir __attribute__((cleanup(auto_dir_fn)))

/* What is known while the devices are gone through. */
struct search {
	const struct disk_place *place;
	const char *label; /* of a partition; NULL: whole disks count */
	char names[2][NAME_SIZE];
	unsigned int n; /* found; two names are kept */
};

/* A small file of a device's folder, as text; "" if it is not there. */
static void device_text(const struct disk_place *at, const char *name, const char *file,
			char ret[static FILE_SIZE])
{
	char path[SYS_PATH_SIZE];
	auto_close int fd = -1;
	ssize_t n;

	ret[0] = 0;
	if (str_format(path, sizeof(path), "%s/%s/%s", at->sys, name, file) < 0)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : fd_read_full(fd, ret, FILE_SIZE - 1);
	ret[n < 0 ? 0 : n] = 0;
}

static bool is_partition(const struct disk_place *at, const char *name)
{
	char text[FILE_SIZE];

	device_text(at, name, "partition", text);
	return text[0] != 0;
}

static bool is_writable(const struct disk_place *at, const char *name)
{
	char text[FILE_SIZE];

	device_text(at, name, "ro", text);
	return str_starts(text, "0");
}

static bool has_partition_label(const struct disk_place *at, const char *name, const char *label)
{
	char text[FILE_SIZE], line[SYS_PATH_SIZE];
	const char *found;

	device_text(at, name, "uevent", text);
	if (str_format(line, sizeof(line), "PARTNAME=%s\n", label) < 0)
		return false;
	found = strstr(text, line);
	return found && (found == text || found[-1] == '\n');
}

static bool is_share(const struct disk_place *at, const char *name)
{
	char sector[FAT_LABEL_SECTOR], label[FAT_LABEL_SIZE], path[SYS_PATH_SIZE];
	auto_close int fd = -1;

	if (str_format(path, sizeof(path), "%s/%s", at->dev, name) < 0)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return fd >= 0 && fd_read_full(fd, sector, sizeof(sector)) == (ssize_t)sizeof(sector) &&
	       fat_label_of(sector, sizeof(sector), label) && str_equal(label, SHARE_LABEL);
}

/* Kinds of devices that are disks: no loop, no memory, no drive. */
static bool is_disk_name(const char *name)
{
	return str_starts(name, "vd") || str_starts(name, "sd") || str_starts(name, "nvme");
}

static bool counts(const struct search *s, const char *name)
{
	if (!is_disk_name(name) || is_partition(s->place, name) != (s->label != NULL))
		return false;
	if (s->label)
		return has_partition_label(s->place, name, s->label);
	return is_writable(s->place, name) && !is_share(s->place, name);
}

static void look(struct search *s)
{
	auto_dir DIR *dir = opendir(s->place->sys);
	const struct dirent *d;

	while (dir && (d = readdir(dir))) {
		if (!counts(s, d->d_name))
			continue;
		if (s->n < 2)
			(void)str_copy(s->names[s->n], NAME_SIZE, d->d_name);
		s->n++;
	}
}

/* Return: how many there are, 0 or 1, with the path; ERR_PROTO. */
static int found(const struct search *s, const char *what, char ret[static DISK_PATH_SIZE],
		 struct err *e)
{
	if (s->n > 1) {
		return err_set(e, ERR_PROTO,
			       "%s and %s could both be the data disk (%s): name one in the kernel "
			       "command line with dstack.data_device=",
			       s->names[0], s->names[1], what);
	}
	if (s->n == 1 && str_format(ret, DISK_PATH_SIZE, "%s/%s", s->place->dev, s->names[0]) < 0)
		return err_set(e, ERR_PROTO, "the data disk's name is too long");
	return (int)s->n;
}

static int find_label(const struct disk_place *at, const char *label,
		      char ret[static DISK_PATH_SIZE], struct err *e)
{
	struct search s = { .place = at, .label = label };

	look(&s);
	return found(&s, "partitions of one label", ret, e);
}

static bool has_partitions(const struct disk_place *at, const char *disk)
{
	auto_dir DIR *dir = opendir(at->sys);
	const struct dirent *d;

	while (dir && (d = readdir(dir))) {
		if (!str_equal(d->d_name, disk) && str_starts(d->d_name, disk) &&
		    is_partition(at, d->d_name))
			return true;
	}
	return false;
}

static int find_disk(const struct disk_place *at, char ret[static DISK_PATH_SIZE], struct err *e)
{
	struct search s = { .place = at };
	int r;

	look(&s);
	r = found(&s, "they can be written", ret, e);
	if (r == 1 && has_partitions(at, s.names[0])) {
		return err_set(e, ERR_PROTO,
			       "%s has partitions, and none is labelled " DISK_PARTITION_LABEL
			       ": it is not touched; give the VM an empty disk",
			       ret);
	}
	return r;
}

static int find_wanted(const struct disk_place *at, const char *wanted,
		       char ret[static DISK_PATH_SIZE], struct err *e)
{
	static const char label[] = "PARTLABEL=", dev[] = "/dev/";
	char shown[SHOWN_SIZE];
	const char *name = wanted + strlen(dev);
	int r = 0;

	(void)str_escape(shown, sizeof(shown), wanted, strlen(wanted));
	if (str_starts(wanted, label)) {
		r = find_label(at, wanted + strlen(label), ret, e);
	} else if (str_starts(wanted, dev) && name[0] && name[0] != '.' && !strchr(name, '/')) {
		if (str_format(ret, DISK_PATH_SIZE, "%s/%s", at->dev, name) > 0)
			r = access(ret, F_OK) == 0;
	} else {
		return err_set(e, ERR_INPUT,
			       "dstack.data_device=%s of the kernel command line: expected "
			       "/dev/NAME or PARTLABEL=LABEL",
			       shown);
	}
	if (r == 0) {
		return err_set(e, ERR_MISSING,
			       "dstack.data_device=%s of the kernel command line is not there",
			       shown);
	}
	return r;
}

int disk_find(const struct disk_place *place, const char *wanted, char ret[static DISK_PATH_SIZE],
	      struct err *e)
{
	int r;

	if (wanted[0])
		return find_wanted(place, wanted, ret, e);
	r = find_label(place, DISK_PARTITION_LABEL, ret, e);
	return r ? r : find_disk(place, ret, e);
}
