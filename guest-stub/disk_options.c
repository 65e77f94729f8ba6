/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/disk_options.h"

#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

#define BLANKS " \t\r\n"

enum { FS_SIZE = 16, FLAG_SIZE = 8, SHOWN_SIZE = 72 };

/* The value of the last word "@key=value"; "" if there is none.  Return: 0; ERR_INPUT if it is too long. */
static int value_of(const char *cmdline, const char *key, char *ret, size_t size, struct err *e)
{
	const size_t n_key = strlen(key);
	size_t n;
	int r = 0;

	ret[0] = 0;
	for (const char *p = cmdline + strspn(cmdline, BLANKS); *p;
	     p += n + strspn(p + n, BLANKS)) {
		n = strcspn(p, BLANKS);
		if (n > n_key && strncmp(p, key, n_key) == 0 && p[n_key] == '=')
			r = str_format(ret, size, "%.*s", (int)(n - n_key - 1), p + n_key + 1);
	}
	return r < 0 ? err_set(e, ERR_INPUT, "%s of the kernel command line is too long", key) : 0;
}

static int read_flag(const char *key, const char *text, bool *ret, struct err *e)
{
	static const char *const no[] = { "0", "false", "no", "off" };
	static const char *const yes[] = { "1", "true", "yes", "on" };
	char shown[SHOWN_SIZE];
	size_t i;

	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		if (str_equal(text, no[i]) || str_equal(text, yes[i])) {
			*ret = str_equal(text, yes[i]);
			return 0;
		}
	}
	return err_set(e, ERR_INPUT, "%s=%s of the kernel command line: expected 1 or 0", key,
		       str_escape(shown, sizeof(shown), text, strlen(text)));
}

static int check_fs(const char *where, const char *fs, struct err *e)
{
	char shown[SHOWN_SIZE];

	if (str_equal(fs, "ext4"))
		return 0;
	if (str_equal(fs, "zfs"))
		return err_set(e, ERR_INPUT, "%s zfs: this image has no zfs; ext4 it has", where);
	return err_set(e, ERR_INPUT, "%s %s: expected ext4", where,
		       str_escape(shown, sizeof(shown), fs, strlen(fs)));
}

int disk_options_read(const char *cmdline, const char *storage_fs, struct disk_options *ret,
		      struct err *e)
{
	struct disk_options o = { .is_encrypted = true };
	char fs[FS_SIZE], flag[FLAG_SIZE];
	int r = value_of(cmdline, "dstack.data_device", o.device, sizeof(o.device), e);

	if (r == 0)
		r = value_of(cmdline, "dstack.storage_encrypted", flag, sizeof(flag), e);
	if (r == 0 && flag[0])
		r = read_flag("dstack.storage_encrypted", flag, &o.is_encrypted, e);
	if (r == 0)
		r = value_of(cmdline, "dstack.storage_fs", fs, sizeof(fs), e);
	if (r == 0 && storage_fs)
		r = check_fs("storage_fs", storage_fs, e);
	else if (r == 0 && fs[0])
		r = check_fs("dstack.storage_fs of the kernel command line,", fs, e);
	if (r == 0)
		*ret = o;
	return r;
}
