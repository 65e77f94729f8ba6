/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instance_info: .instance_info of the shared folder: which app, which instance, grown from what seed
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	INSTANCE_INFO_MAX = 10 * 1024, /* of the file */
	INSTANCE_INFO_ID_MAX = 64,     /* of one value; ids that are used have 20 */
};

struct instance_id {
	uint8_t b[INSTANCE_INFO_ID_MAX];
	size_t n; /* 0: not known yet */
};

struct instance_info {
	struct instance_id seed, instance_id, app_id;
};

/* Every key may be absent, unknown ones are ignored, hex has no prefix.  Return: 0, ERR_INPUT, ERR_LIMIT. */
int instance_info_parse(const void *p, size_t n, struct instance_info *ret, struct err *e);

/* The file's text: only the app_id while there is nothing else.  The caller frees.  Never NULL. */
char *instance_info_text(const struct instance_info *i);
