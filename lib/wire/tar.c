/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tar.h"

#include <stdbool.h>
#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "base/str.h"

/* A field's place in the header. */
struct field {
	size_t at, n;
};

static const struct field name_field = { 0, 100 }, size_field = { 124, 12 }, sum_field = { 148, 8 },
			  prefix_field = { 345, 155 }, magic_field = { 257, 5 };

enum { KIND_AT = 156, SHOWN = 128, BITS_OF_SIZE = 62 };

/* Octal digits, ended by a space, a NUL or the field.  Spaces may lead. */
static int octal(const uint8_t *p, size_t n, uint64_t *ret)
{
	uint64_t v = 0;
	size_t i = 0, digits = 0;

	while (i < n && p[i] == ' ')
		i++;
	for (; i < n && p[i] >= '0' && p[i] <= '7'; i++, digits++) {
		if (v >> (BITS_OF_SIZE - 3))
			return -1;
		v = v << 3 | (uint64_t)(p[i] - '0');
	}
	if (!digits || (i < n && p[i] != ' ' && p[i] != 0))
		return -1;
	*ret = v;
	return 0;
}

/* Octal, or GNU's big-endian number with the first bit set. */
static int number(const uint8_t *p, size_t n, uint64_t *ret)
{
	uint64_t v;
	size_t i;

	if (p[0] != 0x80)
		return octal(p, n, ret);
	for (v = 0, i = 1; i < n; i++) {
		if (v >> (BITS_OF_SIZE - 8))
			return -1;
		v = v << 8 | p[i];
	}
	*ret = v;
	return 0;
}

static bool is_zero(const uint8_t *block)
{
	size_t i;

	for (i = 0; i < TAR_BLOCK && !block[i];)
		i++;
	return i == TAR_BLOCK;
}

/* The sum of all bytes, with those of the sum itself taken as spaces. */
static bool sum_is_right(const uint8_t *block)
{
	uint64_t want = 0, sum = 0;
	size_t i;

	for (i = 0; i < TAR_BLOCK; i++)
		sum += i - sum_field.at < sum_field.n ? ' ' : block[i];
	return octal(block + sum_field.at, sum_field.n, &want) == 0 && want == sum;
}

static int refuse(struct err *e, const char *name, const char *why)
{
	char shown[SHOWN];

	return err_set(e, ERR_INPUT, "archive entry \"%s\" %s",
		       str_escape(shown, sizeof(shown), name, strlen(name)), why);
}

static void full_name(const uint8_t *block, char ret[static TAR_NAME_MAX + 2])
{
	size_t n = strnlen((const char *)block + name_field.at, name_field.n);
	size_t m = strnlen((const char *)block + prefix_field.at, prefix_field.n), at = 0;

	/* GNU's own format has other things where ustar has the prefix */
	if (memcmp(block + magic_field.at, "ustar", magic_field.n) != 0 || block[262] != 0)
		m = 0;
	if (m) {
		memcpy(ret, block + prefix_field.at, m);
		ret[m] = '/';
		at = m + 1;
	}
	memcpy(ret + at, block + name_field.at, n);
	ret[at + n] = 0;
}

/* "./x" is x; what is left must be one plain name. */
static int file_name(const char *given, char ret[static TAR_NAME_MAX + 1], struct err *e)
{
	const char *name = given;

	while (str_starts(name, "./"))
		name += 2;
	if (*name == '/')
		return refuse(e, given, "has an absolute name");
	if (strchr(name, '/'))
		return refuse(e, given, "is in a folder; an image is flat");
	if (!*name || *name == '.')
		return refuse(e, given, "begins with a dot or has no name");
	if (!str_is_utf8(name, strlen(name)))
		return refuse(e, given, "has a name that is not UTF-8");
	(void)str_copy(ret, TAR_NAME_MAX + 1, name);
	return 0;
}

static int plain_file(const uint8_t *block, const struct tar_more *more, struct tar_entry *ret,
		      struct err *e)
{
	char given[TAR_NAME_MAX + 2];

	full_name(block, given);
	if (more && more->has_size)
		ret->size = more->size;
	ret->kind = TAR_FILE;
	return file_name(more && more->path[0] ? more->path : given, ret->name, e);
}

static int other_kind(const uint8_t *block, const struct tar_more *more, struct tar_entry *ret,
		      struct err *e)
{
	char name[TAR_NAME_MAX + 2];

	full_name(block, name);
	switch (block[KIND_AT]) {
	case '5':
		ret->kind = TAR_FOLDER;
		return ret->size ? refuse(e, name, "is a folder with data") : 0;
	case 'x':
		ret->kind = TAR_PAX;
		if (ret->size > TAR_PAX_MAX)
			return refuse(e, name, "is a pax header that is too long");
		return more ? refuse(e, name, "is a second pax header in a row") : 0;
	case 'g':
		ret->kind = TAR_SKIP;
		return ret->size > TAR_PAX_MAX ? refuse(e, name, "is a pax header that is too long")
					       : 0;
	case '1':
	case '2':
		return refuse(e, name, "is a link; an image has plain files only");
	case '3':
	case '4':
	case '6':
		return refuse(e, name, "is a device or a fifo; an image has plain files only");
	default:
		return refuse(e, name, "is of a kind that is not known here");
	}
}

int tar_header(const uint8_t block[static TAR_BLOCK], const struct tar_more *more,
	       struct tar_entry *ret, struct err *e)
{
	struct tar_entry got = { .kind = TAR_END };
	int rc = 0;

	if (is_zero(block)) {
		*ret = got;
		return 0;
	}
	if (!sum_is_right(block))
		return err_set(e, ERR_PROTO, "is no tar archive, or is damaged");
	if (number(block + size_field.at, size_field.n, &got.size))
		return err_set(e, ERR_PROTO, "archive entry with a size that is no number");
	if (block[KIND_AT] == '0' || block[KIND_AT] == 0)
		rc = plain_file(block, more, &got, e);
	else
		rc = other_kind(block, more, &got, e);
	if (rc == 0)
		*ret = got;
	return rc;
}

/* One record, "27 path=some/file\n": its length counts all of it.  Return: that length, or 0. */
static size_t record(const char *p, size_t n, const char **ret_key, size_t *ret_n)
{
	size_t len = 0, i;

	for (i = 0; i < n && p[i] >= '0' && p[i] <= '9' && len <= TAR_PAX_MAX; i++)
		len = len * 10 + (size_t)(p[i] - '0');
	if (i == 0 || i == n || p[i] != ' ' || len > n || len < i + 3 || p[len - 1] != '\n')
		return 0;
	*ret_key = p + i + 1;
	*ret_n = len - i - 2;
	return len;
}

static int take(const char *key, size_t n, struct tar_more *m)
{
	char digits[24];

	if (n > 5 && memcmp(key, "path=", 5) == 0) {
		if (n - 5 > TAR_NAME_MAX || memchr(key, 0, n))
			return -1;
		memcpy(m->path, key + 5, n - 5);
		m->path[n - 5] = 0;
	} else if (n > 5 && memcmp(key, "size=", 5) == 0) {
		if (n - 5 >= sizeof(digits))
			return -1;
		memcpy(digits, key + 5, n - 5);
		digits[n - 5] = 0;
		m->has_size = 1;
		return num_parse_u64(digits, 0, (uint64_t)1 << BITS_OF_SIZE, &m->size);
	} else if (n > 10 && memcmp(key, "GNU.sparse", 10) == 0) {
		return -1;
	}
	return 0;
}

int tar_pax(const void *p, size_t n, struct tar_more *ret, struct err *e)
{
	struct tar_more m = { .size = 0 };
	const char *at = p, *key = NULL;
	size_t len, n_key = 0;

	while (n) {
		len = record(at, n, &key, &n_key);
		if (!len || take(key, n_key, &m))
			return err_set(e, ERR_PROTO, "archive with a pax header that is malformed");
		at += len;
		n -= len;
	}
	*ret = m;
	return 0;
}
