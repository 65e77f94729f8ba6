/* SPDX-License-Identifier: Apache-2.0 */
/* What is decided about a data disk before anything touches it; the rest is tests/image/test_keys_disk.py's. */
#undef NDEBUG
#include <assert.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "guest-stub/disk_content.h"
#include "guest-stub/disk_find.h"
#include "guest-stub/disk_options.h"
#include "guest-stub/disk_plan.h"
#include "guest-stub/swap_file.h"

static struct disk_options options(const char *cmdline, const char *storage_fs)
{
	struct disk_options o;
	struct err e = ERR_NONE;

	assert(disk_options_read(cmdline, storage_fs, &o, &e) == 0);
	return o;
}

static void options_refused(const char *cmdline, const char *storage_fs, const char *why)
{
	struct disk_options o;
	struct err e = ERR_NONE;

	assert(disk_options_read(cmdline, storage_fs, &o, &e) == ERR_INPUT);
	if (!str_equal(e.text, why))
		(void)fprintf(stderr, "got: %s\n", e.text);
	assert(str_equal(e.text, why));
}

static void test_command_line(void)
{
	assert(options("", NULL).is_encrypted && !options("", NULL).device[0]);
	assert(options("console=ttyS0 quiet\n", "ext4").is_encrypted);
	assert(!options("a dstack.storage_encrypted=0 b\n", NULL).is_encrypted);
	assert(!options("dstack.storage_encrypted=off", NULL).is_encrypted);
	assert(options("dstack.storage_encrypted=no dstack.storage_encrypted=yes", NULL)
		       .is_encrypted);
	assert(options("xdstack.storage_encrypted=0", NULL).is_encrypted);
	assert(options("dstack.storage_encryptedx=0", NULL).is_encrypted);
	assert(str_equal(options("\tdstack.data_device=/dev/vdc\n", NULL).device, "/dev/vdc"));
	/* the app's word is before the image's */
	assert(options("dstack.storage_fs=zfs", "ext4").is_encrypted);
}

static void test_words_that_are_not_understood(void)
{
	options_refused(
		"dstack.storage_encrypted=maybe", NULL,
		"dstack.storage_encrypted=maybe of the kernel command line: expected 1 or 0");
	options_refused("dstack.storage_encrypted=absolutely", NULL,
			"dstack.storage_encrypted of the kernel command line is too long");
	options_refused("dstack.storage_fs=zfs", NULL,
			"dstack.storage_fs of the kernel command line, zfs: this image has no zfs; "
			"ext4 it has");
	options_refused("", "zfs", "storage_fs zfs: this image has no zfs; ext4 it has");
	options_refused("", "x\ny", "storage_fs x\\x0ay: expected ext4");
	options_refused("", "", "storage_fs : expected ext4");
}

/* A folder that looks like /sys/class/block beside one that looks like /dev. */
static char top[] = "/tmp/b-disk-XXXXXX";
static char sys_path[64], dev_path[64];
static const struct disk_place place = { sys_path, dev_path };

static void write_text(const char *folder, const char *name, const char *file, const char *text)
{
	auto_free char *dir = xasprintf("%s/%s", folder, name);
	auto_free char *path = xasprintf("%s/%s", dir, file);

	assert(file_mkdir_all(dir, 0700, NULL) == 0);
	assert(file_replace(AT_FDCWD, path, 0600, text, strlen(text), NULL) == 0);
}

static void device(const char *name, const char *ro, const char *uevent)
{
	auto_free char *path = xasprintf("%s/%s", dev_path, name);
	auto_close int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	assert(fd >= 0 && ftruncate(fd, 4096) == 0);
	write_text(sys_path, name, "ro", ro);
	write_text(sys_path, name, "uevent", uevent);
}

static void partition(const char *name, const char *label)
{
	auto_free char *uevent =
		xasprintf("MAJOR=254\nDEVTYPE=partition\nPARTN=1\nPARTNAME=%s\n", label);

	device(name, "0\n", uevent);
	write_text(sys_path, name, "partition", "1\n");
}

/* The bytes of a text without its NUL. */
static void lay(uint8_t *at, const char *text)
{
	size_t i;

	for (i = 0; text[i]; i++)
		at[i] = (uint8_t)text[i];
}

/* A FAT32 sector with the share's label. */
static void make_share(const char *name)
{
	auto_free char *path = xasprintf("%s/%s", dev_path, name);
	auto_close int fd = open(path, O_RDWR | O_CLOEXEC);
	uint8_t sector[512] = { [12] = 2, [66] = 0x29, [510] = 0x55, [511] = 0xaa };

	lay(sector + 71, "DSTACKSHR  FAT32   ");
	assert(fd >= 0 && pwrite(fd, sector, sizeof(sector), 0) == (ssize_t)sizeof(sector));
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	return at->level == 0 ? 0 : remove(path);
}

static void no_devices(void)
{
	assert(nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS) == 0);
	assert(file_mkdir(-1, sys_path, 0700, NULL) == 0 &&
	       file_mkdir(-1, dev_path, 0700, NULL) == 0);
}

static void finds(const char *wanted, const char *name)
{
	char path[DISK_PATH_SIZE];
	struct err e = ERR_NONE;
	int r = disk_find(&place, wanted, path, &e);

	if (r != 1)
		(void)fprintf(stderr, "got %d: %s\n", r, e.text);
	assert(r == 1 && str_starts(path, dev_path) &&
	       str_equal(path + strlen(dev_path) + 1, name));
}

static void finds_none(const char *wanted, int code, const char *why)
{
	char path[DISK_PATH_SIZE];
	struct err e = ERR_NONE;
	int r = disk_find(&place, wanted, path, &e);

	if (r != code || !strstr(e.text, why))
		(void)fprintf(stderr, "got %d: %s\n", r, e.text);
	assert(r == code && strstr(e.text, why));
}

static void test_the_disk_is_found(void)
{
	no_devices();
	finds_none("", 0, "");
	device("loop0", "0\n", "");
	device("vdb", "1\n", "");
	device("vdc", "0\n", "");
	make_share("vdc");
	finds_none("", 0, "");
	device("vda", "0\n", "DISKSEQ=1\n");
	finds("", "vda");
	device("vdd", "0\n", "");
	finds_none("", ERR_PROTO, "could both be the data disk");
	finds("/dev/vdd", "vdd");
	finds("/dev/loop0", "loop0");
	/* dstack's way: one partition of this label, wherever it is */
	partition("vdd1", "dstack-data");
	finds("", "vdd1");
	partition("vda1", "dstack-data");
	finds_none("", ERR_PROTO, "could both be the data disk");
	partition("vda1", "other");
	finds("PARTLABEL=other", "vda1");
	finds("PARTLABEL=dstack-data", "vdd1");
	finds_none("PARTLABEL=oth", ERR_MISSING, "is not there");
}

static void test_what_is_not_taken_for_the_disk(void)
{
	no_devices();
	device("vda", "0\n", "");
	partition("vda1", "root");
	finds_none("", ERR_PROTO, "has partitions, and none is labelled dstack-data");
	finds_none("/dev/vdz", ERR_MISSING, "dstack.data_device=/dev/vdz");
	finds_none("/dev/../etc/passwd", ERR_INPUT, "expected /dev/NAME");
	finds_none("/dev/mapper/x", ERR_INPUT, "expected /dev/NAME");
	finds_none("/dev/", ERR_INPUT, "expected /dev/NAME");
	finds_none("PARTUUID=0815", ERR_INPUT, "expected /dev/NAME");
	/* a label that only begins or ends like ours */
	partition("vda1", "dstack-data2");
	partition("vda2", "xdstack-data");
	finds_none("", ERR_PROTO, "none is labelled dstack-data");
}

static enum disk_content content(const char *front, size_t at, const char *end)
{
	uint8_t f[2048] = { 0 }, b[2048] = { 0 };

	lay(f + at, front);
	lay(b + sizeof(b) - strlen(end), end);
	return disk_content_of(f, sizeof(f), b, sizeof(b));
}

static void test_what_a_disk_holds(void)
{
	assert(content("", 0, "") == DISK_BLANK);
	assert(content("", 0, "x") == DISK_ZERO_FRONT);
	assert(content("LUKS\xba\xbe", 0, "") == DISK_LUKS);
	assert(content("LUKS\xba\xbe", 0, "x") == DISK_LUKS);
	assert(content("LUKS\xba", 0, "") == DISK_OTHER);
	assert(content("\x53\xef", 1024 + 56, "") == DISK_EXT4);
	assert(content("EFI PART", 512, "") == DISK_OTHER);
	assert(content("x", 2047, "") == DISK_OTHER);
	assert(disk_content_of((const uint8_t *)"LUK", 3, NULL, 0) == DISK_OTHER);
}

static void test_marks_come_back(void)
{
	enum { DISK = 128 * 1024 * 1024 };
	auto_close int fd = memfd_create("disk", MFD_CLOEXEC);
	struct disk_state s;
	struct err e;
	enum disk_mark m;

	assert(fd >= 0 && ftruncate(fd, DISK) == 0);
	for (m = DISK_MARK_NONE; m < DISK_MARK_COUNT; m++) {
		assert(disk_mark_write(fd, disk_mark_front(), m, &e) == 0);
		assert(disk_content_read(fd, &s, &e) == 0);
		assert(s.size == DISK && s.content == DISK_BLANK && s.mark == m);
		assert(s.end_mark == DISK_MARK_NONE);
	}
}

static void test_mark_at_the_end(void)
{
	enum { DISK = 128 * 1024 * 1024 };
	auto_close int fd = memfd_create("disk", MFD_CLOEXEC);
	struct disk_state s;
	struct err e;

	assert(fd >= 0 && ftruncate(fd, DISK) == 0);
	assert(disk_mark_write(fd, disk_mark_end(DISK), DISK_MARK_UNFINISHED, &e) == 0);
	assert(disk_content_read(fd, &s, &e) == 0 && s.end_mark == DISK_MARK_UNFINISHED);
	assert(s.content == DISK_ZERO_FRONT);
	/* a byte more and it is no mark */
	assert(pwrite(fd, "x", 1, (off_t)disk_mark_end(DISK) + DISK_MARK_SIZE - 1) == 1);
	assert(disk_content_read(fd, &s, &e) == 0 && s.end_mark == DISK_MARK_NONE);
	assert(ftruncate(fd, DISK_SIZE_MIN - 1) == 0);
	assert(disk_content_read(fd, &s, &e) == ERR_INPUT);
}

/* F: what is to be formatted; o: what is to be opened; a dot: what is left alone. */
static char outcome(enum disk_content c, enum disk_mark front, enum disk_mark end,
		    struct disk_wish w)
{
	static const char shown[DISK_PLAN_COUNT] = {
		[DISK_OPEN_LUKS] = 'o',	 [DISK_OPEN_PLAIN] = 'o',    [DISK_MAKE_LUKS] = 'F',
		[DISK_MAKE_PLAIN] = 'F', [DISK_MAKE_FLEETING] = 'F',
	};
	const struct disk_state s = { .content = c, .mark = front, .end_mark = end };
	enum disk_plan plan = DISK_PLAN_COUNT;
	struct err e = ERR_NONE;
	int r = disk_plan_make(&s, &w, &plan, &e);

	if (r < 0) {
		assert(r == ERR_PROTO && strstr(e.text, "nothing on it was changed"));
		return '.';
	}
	assert(plan != DISK_MAKE_LUKS || (w.is_encrypted && w.is_key_kept));
	assert(plan != DISK_MAKE_FLEETING || (w.is_encrypted && !w.is_key_kept));
	assert(plan != DISK_MAKE_PLAIN || !w.is_encrypted);
	assert(plan != DISK_OPEN_LUKS || (c == DISK_LUKS && w.is_encrypted && w.is_key_kept));
	assert(plan != DISK_OPEN_PLAIN || (c == DISK_EXT4 && !w.is_encrypted));
	return shown[plan];
}

/* Every case there is: the rows are contents, the columns marks in front, each without and with one at the end. */
static void test_every_plan(void)
{
	static const struct disk_wish wishes[] = { { true, true },
						   { true, false },
						   { false, true } };
	static const char *const wanted[][DISK_CONTENT_COUNT] = {
		{ "FFFFFF", ".FFFFF", "ooFFoo", ".F.F.F", "......" },
		{ "FFFFFF", ".FFFFF", "..FF..", ".F.F.F", "......" },
		{ "FFFFFF", ".FFFFF", "..FF..", "oFoFoF", "......" },
	};
	enum disk_content c;
	enum disk_mark m;
	char got[7] = "";
	size_t i;

	for (i = 0; i < sizeof(wishes) / sizeof(wishes[0]); i++) {
		for (c = DISK_BLANK; c < DISK_CONTENT_COUNT; c++) {
			for (m = DISK_MARK_NONE; m < DISK_MARK_COUNT; m++) {
				got[2 * m] = outcome(c, m, DISK_MARK_NONE, wishes[i]);
				got[2 * m + 1] = outcome(c, m, DISK_MARK_UNFINISHED, wishes[i]);
			}
			if (!str_equal(got, wanted[i][c]))
				(void)fprintf(stderr, "%zu, %s: %s\n", i, disk_content_name(c),
					      got);
			assert(str_equal(got, wanted[i][c]));
		}
	}
}

static void test_swap_header_is_mkswaps(void)
{
	uint8_t page[SWAP_PAGE];
	uint32_t info[3];

	swap_file_header(page, 16 * 1024 * 1024 + 5);
	memcpy(info, page + 1024, sizeof(info));
	assert(info[0] == 1 && info[1] == 4095 && info[2] == 0);
	assert(memcmp(page + SWAP_PAGE - 10, "SWAPSPACE2", 10) == 0);
	swap_file_header(page, UINT64_MAX);
	memcpy(info, page + 1024, sizeof(info));
	assert(info[1] == UINT32_MAX);
}

int main(void)
{
	assert(mkdtemp(top));
	assert(str_format(sys_path, sizeof(sys_path), "%s/sys", top) > 0);
	assert(str_format(dev_path, sizeof(dev_path), "%s/dev", top) > 0);
	test_command_line();
	test_words_that_are_not_understood();
	test_the_disk_is_found();
	test_what_is_not_taken_for_the_disk();
	test_what_a_disk_holds();
	test_marks_come_back();
	test_mark_at_the_end();
	test_every_plan();
	test_swap_header_is_mkswaps();
	no_devices();
	(void)rmdir(sys_path);
	(void)rmdir(dev_path);
	(void)rmdir(top);
	return 0;
}
