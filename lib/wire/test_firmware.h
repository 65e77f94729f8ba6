/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_firmware: a firmware file as small as one can be, for tests to spoil
 *
 * 64 KiB: a CFV of one page and a BFV of two at its begin, the TDVF descriptor at 0x8000, OVMF's table before the
 * last 32 bytes.
 */
#pragma once

#include <stdint.h>
#include <string.h>

enum {
	TEST_FIRMWARE_SIZE = 0x10000,
	TEST_FIRMWARE_DESCRIPTOR = 0x8000,
	TEST_FIRMWARE_SECTIONS = TEST_FIRMWARE_DESCRIPTOR + 16,
	TEST_FIRMWARE_N = 6,
	TEST_FIRMWARE_FOOTER = TEST_FIRMWARE_SIZE - 32 - 18,
	TEST_FIRMWARE_ENTRY =
		TEST_FIRMWARE_FOOTER - 18, /* of the metadata's offset; its data is before */
};

static inline void test_put(uint8_t *p, uint64_t v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

struct test_section {
	uint32_t data_offset, raw_size;
	uint64_t address, size;
	uint32_t type, attributes;
};

static inline void test_put_section(uint8_t *firmware, size_t i, struct test_section s)
{
	uint8_t *p = firmware + TEST_FIRMWARE_SECTIONS + 32 * i;

	test_put(p, s.data_offset, 4);
	test_put(p + 4, s.raw_size, 4);
	test_put(p + 8, s.address, 8);
	test_put(p + 16, s.size, 8);
	test_put(p + 24, s.type, 4);
	test_put(p + 28, s.attributes, 4);
}

static inline void test_firmware(uint8_t p[static TEST_FIRMWARE_SIZE])
{
	static const struct test_section sections[TEST_FIRMWARE_N] = {
		{ 0x1000, 0x2000, 0xffffe000, 0x2000, 0, 1 }, /* BFV */
		{ 0, 0x1000, 0xffffd000, 0x1000, 1, 0 },      /* CFV */
		{ 0, 0, 0x810000, 0x10000, 3, 0 },
		{ 0, 0, 0x80b000, 0x2000, 3, 0 },
		{ 0, 0, 0x809000, 0x2000, 2, 0 },
		{ 0, 0, 0x800000, 0x6000, 3, 0 },
	};
	size_t i;

	memset(p, 0, TEST_FIRMWARE_SIZE);
	for (i = 0; i < 0x3000; i++)
		p[i] = (uint8_t)(i * 7 + i / 256);
	memcpy(p + TEST_FIRMWARE_DESCRIPTOR, "TDVF", 4);
	test_put(p + TEST_FIRMWARE_DESCRIPTOR + 4, 16 + 32 * TEST_FIRMWARE_N, 4);
	test_put(p + TEST_FIRMWARE_DESCRIPTOR + 8, 1, 4);
	test_put(p + TEST_FIRMWARE_DESCRIPTOR + 12, TEST_FIRMWARE_N, 4);
	for (i = 0; i < TEST_FIRMWARE_N; i++)
		test_put_section(p, i, sections[i]);
	test_put(p + TEST_FIRMWARE_ENTRY - 4, TEST_FIRMWARE_SIZE - TEST_FIRMWARE_DESCRIPTOR, 4);
	test_put(p + TEST_FIRMWARE_ENTRY, 18 + 4, 2);
	memcpy(p + TEST_FIRMWARE_ENTRY + 2,
	       "\x35\x65\x7a\xe4\x4a\x98\x98\x47\x86\x5e\x46\x85\xa7\xbf\x8e\xc2", 16);
	test_put(p + TEST_FIRMWARE_FOOTER, 18 + 18 + 4, 2);
	memcpy(p + TEST_FIRMWARE_FOOTER + 2,
	       "\xde\x82\xb5\x96\xb2\x1f\xf7\x45\xba\xea\xa3\x66\xc5\x5a\x08\x2d", 16);
}
