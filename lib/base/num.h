/* SPDX-License-Identifier: Apache-2.0 */
/* num: numbers out of text, with bounds, and arithmetic that says when it wraps */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Decimal digits only: no sign, no space, no prefix.  Return: 0, -EINVAL or -ERANGE. */
int num_parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret);
int num_parse_u32(const char *s, uint32_t min, uint32_t max, uint32_t *ret);

/*
 * A size in bytes: decimal digits, then nothing or one of K M G T (powers of
 * 1024, either case).  Return: 0, -EINVAL or -ERANGE.
 */
int num_parse_size(const char *s, uint64_t min, uint64_t max, uint64_t *ret);

#define num_add(a, b, ret) (!__builtin_add_overflow(a, b, ret))
#define num_mul(a, b, ret) (!__builtin_mul_overflow(a, b, ret))
