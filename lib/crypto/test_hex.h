/* SPDX-License-Identifier: Apache-2.0 */
/* test_hex: bytes of a test as hex */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/secret.h"
#include "base/str.h"

enum { TEST_HEX_MAX = 4096 };

/* The bytes of @hex, in a place of its own in turn of eight. */
static inline const uint8_t *unhex(const char *hex)
{
	static uint8_t places[8][TEST_HEX_MAX];
	static unsigned at;
	uint8_t *p = places[at++ % 8];

	assert(strlen(hex) / 2 <= TEST_HEX_MAX && str_unhex(p, strlen(hex) / 2, hex) == 0);
	return p;
}

static inline struct secret32 unhex32(const char *hex)
{
	struct secret32 s;

	assert(str_unhex(s.b, sizeof(s.b), hex) == 0);
	return s;
}

static inline bool is_hex(const void *p, size_t n, const char *hex)
{
	static char got[2 * TEST_HEX_MAX + 1];

	assert(n <= TEST_HEX_MAX);
	str_hex(got, p, n);
	if (strcmp(got, hex) != 0)
		(void)fprintf(stderr, "got      %s\nexpected %s\n", got, hex);
	return strcmp(got, hex) == 0;
}
