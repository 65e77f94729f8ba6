/* SPDX-License-Identifier: Apache-2.0 */
/* change: a VM that exists made into what an app's YAML says */
#pragma once

#include <stdbool.h>

#include <jansson.h>

struct changes;
struct cli;
struct err;

/* The list, a line each: what it is, and what it becomes. */
void change_show(const struct cli *c, const char *name, const struct changes *changes);

/* One UpdateVm.  *@vm, a VmInfo, is read anew after it. */
int change_apply(const struct cli *c, const struct changes *changes, json_t **vm, struct err *e);

/* Does it run with what it was before it was updated? */
bool change_is_due(const json_t *vm);
