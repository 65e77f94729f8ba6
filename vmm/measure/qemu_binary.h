/* SPDX-License-Identifier: Apache-2.0 */
/* qemu_binary: which QEMU it is: where it lies, what its bytes are, which version it tells */
#pragma once

#include "crypto/digest.h"
#include "measure/qemu_ask.h"

struct err;

enum { QEMU_PATH_SIZE = 1024 };

struct qemu_binary {
	char path[QEMU_PATH_SIZE];
	struct digest256 digest;
	char version[QEMU_VERSION_SIZE]; /* "7.2.22" */
};

/**
 * qemu_binary_find() - look at the QEMU @name
 * @name: a path, or a name for PATH; NULL: qemu-system-x86_64
 * @cache: of acpi_cache_open(): what is known of this file, by device, inode, size and times
 *
 * Return: 0; ERR_MISSING: there is none; ERR_HYPERVISOR: it does not tell its version; an errno.
 */
int qemu_binary_find(const char *name, int cache, struct qemu_binary *ret, struct err *e);
