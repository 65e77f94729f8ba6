/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str: C strings into fixed places, and other people's text made safe to show
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Copy @src into @dst of @size bytes.  Return: its length, or -ENAMETOOLONG (then @dst is ""). */
int str_copy(char *dst, size_t size, const char *src);

/* snprintf that fails instead of cutting.  Return: length, or -ENAMETOOLONG (then @dst is ""). */
int str_format(char *dst, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

bool str_equal(const char *a, const char *b);
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);

/* Are all @n bytes valid UTF-8 (RFC 3629, no surrogates, no overlong forms)? */
bool str_is_utf8(const void *p, size_t n);

/**
 * str_escape() - make a peer's bytes fit for a log line or a terminal
 *
 * Printable ASCII stays, valid UTF-8 above U+009F stays, everything else becomes \xNN; a
 * backslash becomes \\.  Cut at @size with "..." at the end.
 *
 * Return: @dst, always terminated.
 */
const char *str_escape(char *dst, size_t size, const void *src, size_t n);

/* Lower-case hex of @n bytes; @dst has room for 2n + 1. */
void str_hex(char *dst, const void *src, size_t n);

/* Read exactly @n bytes of hex, either case, no prefix.  Return: 0 or -EINVAL. */
int str_unhex(void *dst, size_t n, const char *hex);
