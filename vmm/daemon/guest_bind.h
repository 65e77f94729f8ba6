/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_bind: what a TEE's guest is bound to before it runs (MRCONFIGID): MrConfig V1, or V3 for an app that names its
 * key provider
 *
 * Thread   any; reads and writes files of the VM's folder.
 */
#pragma once

#include <stdbool.h>

#include "tee/mr_config.h"

struct app_compose;
struct err;

struct guest_binding {
	bool is_bound; /* images before 0.5.2 know none */
	struct mr_config id;
	char *document; /* of V3, for sys-config; NULL: V1 */
};
void guest_binding_deinit(struct guest_binding *b);

/**
 * guest_bind() - of the app in shared/ of @dirfd
 * @c: that app-compose.json, parsed
 *
 * V3 needs an instance: its ids are brought up to date in .instance_info.
 *
 * Return: 0; ERR_INPUT: no V3 can be made of it; an errno.
 */
int guest_bind(int dirfd, const struct app_compose *c, bool has_gpus, struct guest_binding *ret,
	       struct err *e);
