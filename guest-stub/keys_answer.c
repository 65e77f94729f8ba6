/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/keys_answer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/secret.h"
#include "base/str.h"
#include "data/app_keys_file.h"

enum { SIZE = 1 + APP_KEYS_FILE_MAX + 1, SHOWN_SIZE = 480 };

int keys_answer_new(struct err *e)
{
	auto_close int fd = memfd_create("keys", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, SIZE) < 0 ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0)
		return err_errno(e, errno, "a file in memory for the keys");
	return steal_fd(&fd);
}

/* The text first and the byte that makes it count last. */
static int put(int fd, char kind, const char *text)
{
	size_t n = strlen(text);

	if (n + 2 > SIZE)
		return -EFBIG;
	if (pwrite(fd, text, n, 1) != (ssize_t)n || pwrite(fd, &kind, 1, 0) != 1)
		return errno ? -errno : -EIO;
	return 0;
}

int keys_answer_put_keys(int fd, const struct app_keys_file *keys, bool is_ours, struct err *e)
{
	auto_secret_str char *text = app_keys_file_text(keys);
	int r = text ? put(fd, is_ours ? 'L' : 'K', text) : -ENOMEM;

	return r < 0 ? err_errno(e, -r, "hand over the keys") : 0;
}

int keys_answer_put_error(int fd, const char *why, bool may_pass)
{
	return put(fd, may_pass ? 'A' : 'E', why);
}

static int take_error(int code, const char *text, size_t n, struct err *e)
{
	char shown[SHOWN_SIZE];

	return err_set(e, code, "%s", str_escape(shown, sizeof(shown), text, n));
}

int keys_answer_take(int fd, struct app_keys_file *ret, bool *ret_is_ours, struct err *e)
{
	auto_secret_buf struct buf b = { 0 };
	const char *text;
	size_t n;

	if (secret_buf_init(&b, SIZE) < 0)
		return err_set(e, -ENOMEM, "no memory for the keys");
	if (pread(fd, b.p, SIZE, 0) != SIZE)
		return err_set(e, ERR_PROTO, "what was handed over has not its size");
	text = (const char *)b.p + 1;
	n = strnlen(text, SIZE - 1);
	switch (b.p[0]) {
	case 'K':
	case 'L':
		*ret_is_ours = b.p[0] == 'L';
		return app_keys_file_parse(text, n, ret, e);
	case 'E':
		return take_error(ERR_MISSING, text, n, e);
	case 'A':
		return take_error(-EAGAIN, text, n, e);
	case 0:
		return err_set(e, ERR_BAD_STATE, "nothing was handed over");
	default:
		return err_set(e, ERR_PROTO, "what was handed over is neither keys nor words");
	}
}
