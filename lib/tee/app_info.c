/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/app_info.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/rd.h"
#include "wire/msgpack.h"

enum { INIT_SCRIPT_SIZE = 32, FIELDS_OLD = 8, FIELDS = 9 };

/* The first eight of the array, in their order. */
static const struct field {
	size_t offset, max;
} fields[FIELDS_OLD] = {
	{ offsetof(struct app_info, app_id), APP_INFO_ID_MAX },
	{ offsetof(struct app_info, compose_hash), APP_INFO_DIGEST_MAX },
	{ offsetof(struct app_info, instance_id), APP_INFO_ID_MAX },
	{ offsetof(struct app_info, device_id), APP_INFO_DIGEST_MAX },
	{ offsetof(struct app_info, mr_system), APP_INFO_DIGEST_MAX },
	{ offsetof(struct app_info, mr_aggregated), APP_INFO_DIGEST_MAX },
	{ offsetof(struct app_info, os_image_hash), APP_INFO_DIGEST_MAX },
	{ offsetof(struct app_info, key_provider_info), APP_INFO_PROVIDER_MAX },
};

static bool read_bin(struct rd *r, size_t max, struct app_info_bytes *ret)
{
	struct msgpack t = msgpack_next(r);

	*ret = (struct app_info_bytes){ t.p, (size_t)t.n };
	return t.type == MSGPACK_BIN && t.n <= max;
}

static bool read_init_scripts(struct rd *r, struct app_info *ret)
{
	struct msgpack t = msgpack_next(r);
	size_t i;

	if (t.type == MSGPACK_NIL)
		return true;
	if (t.type != MSGPACK_ARRAY || t.n > APP_INFO_INIT_SCRIPTS_MAX)
		return false;
	ret->has_init_scripts = true;
	ret->n_init_scripts = (size_t)t.n;
	for (i = 0; i < ret->n_init_scripts; i++) {
		if (!read_bin(r, INIT_SCRIPT_SIZE, &ret->init_scripts[i]) ||
		    ret->init_scripts[i].n != INIT_SCRIPT_SIZE)
			return false;
	}
	return true;
}

int app_info_parse(const void *p, size_t n, struct app_info *ret)
{
	struct rd r = rd_over(p, n);
	struct app_info a = { .has_init_scripts = false };
	struct msgpack t;
	size_t i;

	if (n > APP_INFO_SIZE_MAX)
		return ERR_PROTO;
	t = msgpack_next(&r);
	if (t.type != MSGPACK_ARRAY || (t.n != FIELDS && t.n != FIELDS_OLD))
		return ERR_PROTO;
	for (i = 0; i < FIELDS_OLD; i++) {
		if (!read_bin(&r, fields[i].max, (void *)((char *)&a + fields[i].offset)))
			return ERR_PROTO;
	}
	if ((t.n == FIELDS && !read_init_scripts(&r, &a)) || !rd_done(&r))
		return ERR_PROTO;
	*ret = a;
	return 0;
}

static int add_init_scripts(const struct app_info *a, struct buf *ret)
{
	int rc;
	size_t i;

	if (!a->has_init_scripts)
		return msgpack_add_nil(ret);
	if (a->n_init_scripts > APP_INFO_INIT_SCRIPTS_MAX)
		return -EINVAL;
	rc = msgpack_add_array(ret, a->n_init_scripts);
	for (i = 0; rc == 0 && i < a->n_init_scripts; i++) {
		if (a->init_scripts[i].n != INIT_SCRIPT_SIZE)
			return -EINVAL;
		rc = msgpack_add_bin(ret, a->init_scripts[i].p, INIT_SCRIPT_SIZE);
	}
	return rc;
}

int app_info_write(const struct app_info *a, struct buf *ret)
{
	int rc = msgpack_add_array(ret, FIELDS);
	const struct app_info_bytes *b;
	size_t i;

	for (i = 0; rc == 0 && i < FIELDS_OLD; i++) {
		b = (const void *)((const char *)a + fields[i].offset);
		if (b->n > fields[i].max)
			return -EINVAL;
		rc = msgpack_add_bin(ret, b->p, b->n);
	}
	return rc == 0 ? add_init_scripts(a, ret) : rc;
}
