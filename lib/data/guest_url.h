/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_url: an address as guests have it, for who is not in one
 *
 * With QEMU's user-mode networking a guest calls its host 10.0.2.2; what listens there the host itself finds at
 * 127.0.0.1.  A host of that address elsewhere cannot be reached by such a guest at all, so nothing is lost.
 */
#pragma once

#include <stddef.h>

#define GUEST_URL_HOST "10.0.2.2"

/* @url as the host has it.  Pure.  Return: 1 it is another one, 0 the same, -ENAMETOOLONG. */
int guest_url_on_host(const char *url, char *dst, size_t size);
