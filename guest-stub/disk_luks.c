/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/disk_luks.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/inject.h"
#include "base/secret.h"
#include "base/str.h"
#include "data/luks2_json.h"
#include "guest-stub/disk_tools.h"
#include "guest-stub/luks2_header.h"
#include "wire/luks2.h"

#define HEADER_DIR  "/run/bailey-disk"
#define HEADER_PATH HEADER_DIR "/header"

enum { HEX_SIZE = 2 * DISK_LUKS_KEY_SIZE };

typedef int (*tool_fn)(const struct disk_luks *v, const struct disk_key *key, struct err *e);

static int with_passphrase(const struct disk_luks *v, tool_fn call, struct err *e)
{
	char hex[HEX_SIZE + 1];
	const struct disk_key key = { hex, HEX_SIZE };
	int r;

	str_hex(hex, v->key, DISK_LUKS_KEY_SIZE);
	r = call(v, &key, e);
	secret_wipe(hex, sizeof(hex));
	return r;
}

static int format(const struct disk_luks *v, const struct disk_key *key, struct err *e)
{
	return disk_tools_luks_format(v->supervisor, v->device, HEADER_PATH, key, e);
}

static int map(const struct disk_luks *v, const struct disk_key *key, struct err *e)
{
	return disk_tools_luks_open(v->supervisor, v->device, HEADER_PATH, key, e);
}

/* As long as a header has room on a disk: what is behind the key slot is a hole. */
static int write_file(const struct buf *header, struct err *e)
{
	int r = file_replace(AT_FDCWD, HEADER_PATH, 0600, header->p, header->n, e);

	if (r == 0 && truncate(HEADER_PATH, LUKS2_DATA_OFFSET) < 0)
		r = err_errno(e, errno, "make " HEADER_PATH " larger");
	return r;
}

/* A header by way of the file, from the descriptor @from that is a disk's or the file's own. */
static int map_checked(const struct disk_luks *v, int from, struct buf *ret, struct err *e)
{
	int r = luks2_header_copy(from, ret, e);

	if (r < 0)
		return err_wrap(e, r, "its header is refused");
	r = write_file(ret, e);
	return r ? r : with_passphrase(v, map, e);
}

int disk_luks_open(const struct disk_luks *v, struct err *e)
{
	auto_buf struct buf header = BUF_MAX(0);
	int r = file_mkdir(-1, HEADER_DIR, 0700, e);

	if (r == 0)
		r = map_checked(v, v->fd, &header, e);
	(void)unlink(HEADER_PATH);
	if (r == ERR_INPUT) {
		return err_set(e, ERR_PROTO,
			       "this app's key does not open it: it belongs to another app, "
			       "compose or key provider; nothing on it was changed; give the VM "
			       "an empty disk, or start what it belongs to");
	}
	return r;
}

static int make_in_file(const struct disk_luks *v, struct buf *ret, struct err *e)
{
	auto_close int fd = -1;
	/* what a life before left, if it was cut short */
	int r = unlink(HEADER_PATH) < 0 && errno != ENOENT
			? err_errno(e, errno, "remove " HEADER_PATH)
			: 0;

	if (r == 0)
		r = with_passphrase(v, format, e);
	if (r < 0)
		return r;
	inject_point("data_disk.formatted");
	fd = open(HEADER_PATH, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return err_errno(e, errno, "open " HEADER_PATH);
	return map_checked(v, fd, ret, e);
}

int disk_luks_make(const struct disk_luks *v, struct buf *ret, struct err *e)
{
	int r = file_mkdir(-1, HEADER_DIR, 0700, e);

	if (r == 0)
		r = make_in_file(v, ret, e);
	(void)unlink(HEADER_PATH);
	return r;
}

static int write_at(int fd, const struct buf *b, size_t from, size_t to, struct err *e)
{
	ssize_t n;

	while (from < to) {
		n = pwrite(fd, b->p + from, to - from, (off_t)from);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_errno(e, n < 0 ? errno : EIO, "write the header");
		from += (size_t)n;
	}
	return fdatasync(fd) < 0 ? err_errno(e, errno, "write the header") : 0;
}

/* Its magic first: from then on the disk holds a volume, which the mark says is not finished. */
int disk_luks_store(int fd, const struct buf *header, struct err *e)
{
	int r = write_at(fd, header, 0, LUKS2_BINARY_SIZE, e);

	inject_point("data_disk.stored");
	return r ? r : write_at(fd, header, LUKS2_BINARY_SIZE, header->n, e);
}
