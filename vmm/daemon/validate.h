/* SPDX-License-Identifier: Apache-2.0 */
/*
 * validate: an operator's VmConfiguration into a manifest that can be trusted to start
 *
 * Everything is checked before anything is written.  The order of the checks is dstack's, so that the first
 * message is the same.
 *
 * Thread   the loop's; reads the image's metadata, probes ports.
 */
#pragma once

#include "proto/vmm.pb-c.h"

struct daemon;
struct err;
struct manifest;
struct vm;

enum {
	VALIDATE_NAME_MAX = 64,
	VALIDATE_ENCRYPTED_ENV_MAX = 256 * 1024,
	VALIDATE_USER_CONFIG_MAX = 50 * 1024 * 1024,
};

/*
 * The manifest of a new VM: no id and no time yet.
 * Return: 0; ERR_INPUT, ERR_CONFLICT, ERR_MISSING, ERR_NOT_FOUND or ERR_CORRUPT with what is wrong and what would be right.
 */
int validate_new(const struct daemon *d, const Bailey__Vmm__VmConfiguration *c,
		 struct manifest *ret, struct err *e);

/*
 * What @q makes of @m, a copy of the manifest of @vm.  Only what the request names is checked, by the same checks
 * as for a new VM.  Return: as validate_new(); then @m is of no use.
 */
int validate_update(const struct vm *vm, const Bailey__Vmm__UpdateVmRequest *q, struct manifest *m,
		    struct err *e);

/* Only what GetComposeHash needs: the name and the compose file. */
int validate_compose(const Bailey__Vmm__VmConfiguration *c, struct err *e);
