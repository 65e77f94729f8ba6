/* SPDX-License-Identifier: Apache-2.0 */
/* gist: the part of libvirt's and QEMU's messages that tells an operator what went wrong */
#pragma once

#include <stddef.h>

enum { GIST_SIZE = 320 };

/*
 * The last line of @said, without time, program and command line in front, made printable; if it is long still,
 * its end.  Return: @ret.
 */
const char *gist_of(const char *said, char ret[static GIST_SIZE]);
