/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/qtest.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/rd.h"
#include "base/str.h"

enum { NAME_SIZE = 56, SHOWN_MAX = 80 };

static bool begins(const char *p, size_t n, const char *with)
{
	size_t k = strlen(with);

	return n >= k && memcmp(p, with, k) == 0;
}

static int nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool unhex(const char *p, uint8_t *ret, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		int high = nibble(p[2 * i]), low = nibble(p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

int qtest_reply(const char *p, size_t n, uint8_t *ret, size_t want, struct err *e)
{
	static const char data[] = "OK 0x";
	const size_t head = sizeof(data) - 1;
	char shown[4 * SHOWN_MAX + 1];

	if (begins(p, n, "IRQ "))
		return 0;
	if (!ret && n >= 2 && begins(p, n, "OK") && (n == 2 || p[2] == ' '))
		return 1;
	if (ret && begins(p, n, data) && n - head == 2 * want && unhex(p + head, ret, want))
		return 1;
	return err_set(e, ERR_PROTO, "QEMU's qtest says '%s'",
		       str_escape(shown, sizeof(shown), p, n < SHOWN_MAX ? n : SHOWN_MAX));
}

int fw_cfg_count(const uint8_t p[static 4], uint32_t *ret, struct err *e)
{
	struct rd r = rd_over(p, 4);
	uint32_t n = rd_be32(&r);

	if (n > FW_CFG_FILES_MAX)
		return err_set(e, ERR_LIMIT, "%u files for firmware; at most %d", n,
			       FW_CFG_FILES_MAX);
	*ret = n;
	return 0;
}

int fw_cfg_find(const uint8_t *p, size_t n, const char *name, struct fw_cfg_file *ret,
		struct err *e)
{
	struct rd r = rd_over(p, n);
	uint32_t i, count = rd_be32(&r);
	struct fw_cfg_file file;
	const uint8_t *found;

	if (r.failed || count > FW_CFG_FILES_MAX ||
	    rd_left(&r) != (size_t)count * FW_CFG_ENTRY_SIZE)
		return err_set(e, ERR_PROTO, "QEMU's directory of firmware files is malformed");
	for (i = 0; i < count; i++) {
		file.size = rd_be32(&r);
		file.key = rd_be16(&r);
		(void)rd_be16(&r);
		found = rd_take(&r, NAME_SIZE);
		if (strnlen((const char *)found, NAME_SIZE) != strlen(name) ||
		    memcmp(found, name, strlen(name)) != 0)
			continue;
		if (file.key < FW_CFG_FIRST_FILE)
			return err_set(e, ERR_PROTO, "QEMU's file '%s' has the key %u", name,
				       file.key);
		*ret = file;
		return 0;
	}
	return err_set(e, ERR_NOT_FOUND, "QEMU has no file '%s' for firmware", name);
}
