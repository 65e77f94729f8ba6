/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/share.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

static const struct share_file {
	const char *name;
	size_t max;
	bool is_required;
} files[] = {
	/* first, so that the host can be told where it listens when another file is bad */
	{ SHARE_SYS_CONFIG, SHARE_SYS_CONFIG_MAX, true },
	{ SHARE_COMPOSE, SHARE_COMPOSE_MAX, true },
	{ SHARE_INSTANCE_INFO, SHARE_INSTANCE_INFO_MAX, false },
	{ SHARE_ENCRYPTED_ENV, SHARE_ENCRYPTED_ENV_MAX, false },
	{ SHARE_USER_CONFIG, SHARE_USER_CONFIG_MAX, false },
	{ SHARE_TEE_SIMULATOR, SHARE_TEE_SIMULATOR_MAX, false },
};

/* The same file by the name that documents gave it. */
#define INSTANCE_INFO_ALIAS ".instance-info"
#define DIFFER		    "Source files " SHARE_INSTANCE_INFO " and " INSTANCE_INFO_ALIAS " differ"

/* Return: 1 if read, 0 if it is not there, or negative. */
static int read_one(int from, const char *name, size_t max, struct buf *ret, struct err *e)
{
	int r = file_read(from, name, max, ret, e);

	switch (r) {
	case 0:
		return 1;
	case -ENOENT:
		return 0;
	case -EFBIG:
		return err_set(e, ERR_PROTO, "Source file %s is too large, max size is %zu bytes",
			       name, max);
	case -ELOOP:
	case -EINVAL:
	case -ENXIO: /* a socket */
		return err_set(e, ERR_PROTO, "Source file %s is not a regular file", name);
	default:
		return r;
	}
}

/* The alias stands in for a missing .instance_info and may not contradict one. */
static int read_instance_info(int from, struct buf *ret, struct err *e)
{
	auto_buf struct buf alias = { 0 };
	int have, have_alias;

	have = read_one(from, SHARE_INSTANCE_INFO, SHARE_INSTANCE_INFO_MAX, ret, e);
	if (have < 0)
		return have;
	have_alias = read_one(from, INSTANCE_INFO_ALIAS, SHARE_INSTANCE_INFO_MAX, &alias, e);
	if (have_alias < 0)
		return have_alias;
	if (have && have_alias && (ret->n != alias.n || memcmp(ret->p, alias.p, alias.n) != 0))
		return err_set(e, ERR_PROTO, DIFFER);
	if (!have && have_alias) {
		*ret = alias;
		alias = BUF_MAX(0);
	}
	return have || have_alias;
}

static int copy_one(int from, int to, const struct share_file *f, struct err *e)
{
	auto_buf struct buf b = { 0 };
	int r;

	if (strcmp(f->name, SHARE_INSTANCE_INFO) == 0)
		r = read_instance_info(from, &b, e);
	else
		r = read_one(from, f->name, f->max, &b, e);
	if (r == 0 && f->is_required)
		return err_set(e, ERR_MISSING, "Source file %s does not exist", f->name);
	return r > 0 ? file_replace(to, f->name, 0600, b.p, b.n, e) : r;
}

int share_copy(int from, int to, struct err *e)
{
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < sizeof(files) / sizeof(files[0]); i++)
		r = copy_one(from, to, &files[i], e);
	return r;
}
