/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/swap_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/swap.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"

/* Linux's second version of the header: union swap_header of linux/swap.h, in the machine's byte order. */
enum { INFO_AT = 1024, VERSION = 1 };

static const uint8_t magic[] = { 'S', 'W', 'A', 'P', 'S', 'P', 'A', 'C', 'E', '2' };

void swap_file_header(uint8_t ret[static SWAP_PAGE], uint64_t size)
{
	uint64_t pages = size / SWAP_PAGE;
	uint32_t info[2] = { VERSION, pages > UINT32_MAX ? UINT32_MAX : (uint32_t)(pages - 1) };

	memset(ret, 0, SWAP_PAGE);
	memcpy(ret + INFO_AT, info, sizeof(info)); /* version, last page; no bad pages */
	memcpy(ret + SWAP_PAGE - sizeof(magic), magic, sizeof(magic));
}

int swap_file_start(const char *path, uint64_t size, struct err *e)
{
	uint8_t page[SWAP_PAGE];
	auto_close int fd = -1;
	int r;

	if (size < SWAP_SIZE_MIN)
		return err_set(e, ERR_INPUT, "swap_size: expected at least %d bytes",
			       SWAP_SIZE_MIN);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(e, errno, "remove the old %s", path);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(e, errno, "make %s", path);
	r = fallocate(fd, 0, 0, (off_t)(size / SWAP_PAGE * SWAP_PAGE)) < 0 ? -errno : 0;
	if (r == -ENOSPC || r == -EFBIG || r == -EINVAL) {
		(void)unlink(path);
		return err_set(e, ERR_INPUT,
			       "swap_size: %" PRIu64
			       " bytes do not fit on the data disk: make disk "
			       "larger or swap_size smaller",
			       size);
	}
	swap_file_header(page, size);
	if (r == 0)
		r = fd_write_all(fd, page, sizeof(page));
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && swapon(path, 0) < 0)
		r = -errno;
	return r ? err_errno(e, -r, "swap to %s", path) : 0;
}
