/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changes: what an app would change of a VM that exists, for people and as the UpdateVm request
 *
 * Owns     its texts and the request.  CHANGES_NULL is a valid empty one; changes_deinit() is idempotent.
 * Trusts   nothing of the VM's shape: what is missing reads as "" or 0.
 * Thread   any; pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

struct app;

/* One line of the list.  Texts are as they came: escape them where they are shown. */
struct change {
	char *field;	 /* "memory", "app.pre_launch_script" */
	char *from, *to; /* NULL: there was none, there will be none */
};

struct changes {
	struct change *list;
	size_t n;
	json_t *request;   /* UpdateVmRequest without the id; NULL if nothing changes */
	char refusal[256]; /* why an update cannot make it so; "" if it can */
};

#define CHANGES_NULL ((struct changes){ .n = 0 })

void changes_deinit(struct changes *c);
#define auto_changes __attribute__((cleanup(changes_deinit)))

/* What it takes to make a VM with @configuration (VmInfo's) the one that @a describes. */
void changes_find(const struct app *a, const json_t *configuration, struct changes *ret);

/* [{"field", "from", "to"}], null for none.  The caller owns it. */
json_t *changes_json(const struct changes *c);
