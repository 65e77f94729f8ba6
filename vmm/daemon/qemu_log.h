/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qemu_log: QEMU's own messages of a VM (its stderr), which libvirt keeps in a folder of its own
 *
 * Thread   any.
 */
#pragma once

#include <stdbool.h>

#include "daemon/log_index.h"

struct daemon;

/* Open the folder.  Return: a descriptor, and the file's name in @name; or -1. */
int qemu_log_open(const struct daemon *d, const char *id, char name[static LOG_NAME_MAX]);

/* May we move it on and delete it?  Only in a root of our own: the host's libvirt has virtlogd for that. */
bool qemu_log_is_ours(const struct daemon *d);
