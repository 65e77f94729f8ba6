/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/disk_content.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "data/luks2_json.h"

enum { EXT_MAGIC_AT = 1024 + 56, LUKS_MAGIC_SIZE = 6 };

static const uint8_t luks_magic[LUKS_MAGIC_SIZE] = { 'L', 'U', 'K', 'S', 0xba, 0xbe };

static const char *const mark_texts[DISK_MARK_COUNT] = {
	[DISK_MARK_NONE] = "",
	[DISK_MARK_UNFINISHED] = "Bailey data disk: formatting did not end\n",
	[DISK_MARK_FLEETING] = "Bailey data disk: the key was of one boot only\n",
};

static bool is_zero(const uint8_t *p, size_t n)
{
	/* each byte is the one before it, and the first is 0 */
	return n == 0 || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

bool disk_content_is_ext4(const uint8_t p[static DISK_EXT4_SPAN])
{
	return p[EXT_MAGIC_AT] == 0x53 && p[EXT_MAGIC_AT + 1] == 0xef;
}

enum disk_content disk_content_of(const uint8_t *front, size_t n_front, const uint8_t *end,
				  size_t n_end)
{
	if (is_zero(front, n_front))
		return is_zero(end, n_end) ? DISK_BLANK : DISK_ZERO_FRONT;
	if (n_front >= LUKS_MAGIC_SIZE && memcmp(front, luks_magic, LUKS_MAGIC_SIZE) == 0)
		return DISK_LUKS;
	if (n_front >= DISK_EXT4_SPAN && disk_content_is_ext4(front))
		return DISK_EXT4;
	return DISK_OTHER;
}

const char *disk_content_name(enum disk_content c)
{
	static const char *const names[DISK_CONTENT_COUNT] = {
		[DISK_BLANK] = "nothing",
		[DISK_ZERO_FRONT] = "data of an unknown kind",
		[DISK_LUKS] = "an encrypted volume",
		[DISK_EXT4] = "an ext4 file system that is not encrypted",
		[DISK_OTHER] = "a partition table, or data of an unknown kind",
	};

	return names[c];
}

enum disk_mark disk_mark_of(const uint8_t p[static DISK_MARK_SIZE])
{
	enum disk_mark m;
	size_t n;

	for (m = DISK_MARK_UNFINISHED; m < DISK_MARK_COUNT; m++) {
		n = strlen(mark_texts[m]);
		if (memcmp(p, mark_texts[m], n) == 0 && is_zero(p + n, DISK_MARK_SIZE - n))
			return m;
	}
	return DISK_MARK_NONE;
}

uint64_t disk_mark_front(void)
{
	return LUKS2_DATA_OFFSET - DISK_MARK_SIZE;
}

uint64_t disk_mark_end(uint64_t size)
{
	return size / DISK_MARK_SIZE * DISK_MARK_SIZE - DISK_MARK_SIZE;
}

static int read_at(int fd, uint8_t *p, size_t n, uint64_t at, struct err *e)
{
	ssize_t got;

	while (n > 0) {
		got = pread(fd, p, n, (off_t)at);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return err_errno(e, got < 0 ? errno : EIO, "cannot read it");
		p += got;
		at += (uint64_t)got;
		n -= (size_t)got;
	}
	return 0;
}

static int read_mark(int fd, uint64_t at, enum disk_mark *ret, struct err *e)
{
	uint8_t block[DISK_MARK_SIZE];
	int r = read_at(fd, block, sizeof(block), at, e);

	if (r == 0)
		*ret = disk_mark_of(block);
	return r;
}

/* Both ends of a disk of @size bytes. */
static int read_ends(int fd, uint64_t size, enum disk_content *ret, struct err *e)
{
	auto_free uint8_t *p = malloc(2 * (size_t)DISK_BLANK_SPAN);
	int r;

	if (!p)
		return err_set(e, -ENOMEM, "no memory to look at it");
	r = read_at(fd, p, DISK_BLANK_SPAN, 0, e);
	if (r == 0)
		r = read_at(fd, p + DISK_BLANK_SPAN, DISK_BLANK_SPAN, size - DISK_BLANK_SPAN, e);
	if (r == 0)
		*ret = disk_content_of(p, DISK_BLANK_SPAN, p + DISK_BLANK_SPAN, DISK_BLANK_SPAN);
	return r;
}

int disk_content_read(int fd, struct disk_state *ret, struct err *e)
{
	off_t size = lseek(fd, 0, SEEK_END);
	struct disk_state s = { .size = size < 0 ? 0 : (uint64_t)size };
	int r;

	if (size < DISK_SIZE_MIN)
		return err_set(e, ERR_INPUT, "it has %lld bytes, at least %d are needed",
			       (long long)size, DISK_SIZE_MIN);
	r = read_ends(fd, s.size, &s.content, e);
	if (r == 0)
		r = read_mark(fd, disk_mark_front(), &s.mark, e);
	if (r == 0)
		r = read_mark(fd, disk_mark_end(s.size), &s.end_mark, e);
	if (r == 0)
		*ret = s;
	return r;
}

int disk_mark_write(int fd, uint64_t at, enum disk_mark mark, struct err *e)
{
	uint8_t block[DISK_MARK_SIZE] = { 0 };
	ssize_t n;

	assert(mark < DISK_MARK_COUNT);
	memcpy(block, mark_texts[mark], strlen(mark_texts[mark]));
	n = pwrite(fd, block, sizeof(block), (off_t)at);
	if (n != (ssize_t)sizeof(block) || fdatasync(fd) < 0)
		return err_errno(e, n < 0 || n == (ssize_t)sizeof(block) ? errno : EIO,
				 "cannot write to it");
	return 0;
}
