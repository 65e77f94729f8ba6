/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pccs_chain: a chain of certificates out of a header, where it stands URL-encoded
 *
 * Wire     RFC 3986 section 2.1: %XX is a byte; any other character is itself, "+" too, as it is one of
 *	    base64.  What comes out is text of PEM: printable ASCII and ends of lines.
 * Thread   any: pure.
 */
#pragma once

#include <stddef.h>
#include <sys/types.h>

enum { PCCS_CHAIN_MAX = 32 * 1024 };

/* Decode @n characters into @ret, with a NUL after them.  Return: the length, -EINVAL, -EMSGSIZE. */
ssize_t pccs_chain_decode(const char *p, size_t n, char ret[static PCCS_CHAIN_MAX]);
