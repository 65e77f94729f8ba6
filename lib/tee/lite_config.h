/* SPDX-License-Identifier: Apache-2.0 */
/* lite_config: the measurement document of an image (lite.h) that a vm_config carries */
#pragma once

struct err;
struct lite_document;
struct sys_vm_config;

/* The document in @vm, which its os_image_hash vouches for.  Return: 0; ERR_MISSING: it has none; ERR_INPUT. */
int lite_config_read(const struct sys_vm_config *vm, struct lite_document *ret, struct err *e);
