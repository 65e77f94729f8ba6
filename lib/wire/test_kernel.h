/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_kernel: a kernel file as small as one can be: a setup header of protocol 2.15, a PE32+ header, two sections
 * (the later one first in the table), 8 bytes behind them, and 16 of certificates
 */
#pragma once

#include <stdint.h>
#include <string.h>

enum {
	TEST_KERNEL_PE = 0x40,
	TEST_KERNEL_OPTIONAL = TEST_KERNEL_PE + 24,
	TEST_KERNEL_OPTIONAL_SIZE = 112 + 16 * 8,
	TEST_KERNEL_SECURITY = TEST_KERNEL_OPTIONAL + 112 + 4 * 8,
	TEST_KERNEL_TABLE = TEST_KERNEL_OPTIONAL + TEST_KERNEL_OPTIONAL_SIZE,
	TEST_KERNEL_HEADERS = 0x400,
	TEST_KERNEL_FIRST = 0x400, /* a section of 0x800 bytes, then one of 0x1000 */
	TEST_KERNEL_SECOND = 0xc00,
	TEST_KERNEL_TAIL = 0x1c00,
	TEST_KERNEL_SIZE = TEST_KERNEL_TAIL + 8 + 16,
};

static inline void test_kernel_put(uint8_t *p, uint64_t v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static inline void test_kernel(uint8_t p[static TEST_KERNEL_SIZE])
{
	size_t i;

	for (i = 0; i < TEST_KERNEL_SIZE; i++)
		p[i] = (uint8_t)(i * 13 + i / 256);
	memset(p, 0, TEST_KERNEL_HEADERS);
	memcpy(p, "MZ", 2);
	test_kernel_put(p + 0x3c, TEST_KERNEL_PE, 4);
	memcpy(p + TEST_KERNEL_PE, "PE\0", 4);
	test_kernel_put(p + TEST_KERNEL_PE + 6, 2, 2);
	test_kernel_put(p + TEST_KERNEL_PE + 20, TEST_KERNEL_OPTIONAL_SIZE, 2);
	test_kernel_put(p + TEST_KERNEL_OPTIONAL, 0x20b, 2);
	test_kernel_put(p + TEST_KERNEL_OPTIONAL + 60, TEST_KERNEL_HEADERS, 4);
	test_kernel_put(p + TEST_KERNEL_OPTIONAL + 64, 0xdeadbeef, 4);
	test_kernel_put(p + TEST_KERNEL_OPTIONAL + 108, 16, 4);
	test_kernel_put(p + TEST_KERNEL_SECURITY, TEST_KERNEL_TAIL + 8, 4);
	test_kernel_put(p + TEST_KERNEL_SECURITY + 4, 16, 4);
	test_kernel_put(p + TEST_KERNEL_TABLE + 16, 0x1000, 4);
	test_kernel_put(p + TEST_KERNEL_TABLE + 20, TEST_KERNEL_SECOND, 4);
	test_kernel_put(p + TEST_KERNEL_TABLE + 40 + 16, 0x800, 4);
	test_kernel_put(p + TEST_KERNEL_TABLE + 40 + 20, TEST_KERNEL_FIRST, 4);
	memcpy(p + 0x202, "HdrS", 4);
	test_kernel_put(p + 0x206, 0x20f, 2);
	p[0x211] = 1;
	test_kernel_put(p + 0x22c, 0x7fffffff, 4);
	test_kernel_put(p + 0x236, 0x3f, 2);
}
