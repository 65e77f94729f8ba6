/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "wire/tdvf.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "wire/test_firmware.h"

static uint8_t firmware[TEST_FIRMWARE_SIZE];

static enum tdvf_verdict verdict(const void *p, size_t n)
{
	struct tdvf t;

	return tdvf_parse(p, n, &t);
}

static void test_sections_are_as_the_file_says(void)
{
	struct tdvf t;

	test_firmware(firmware);
	assert(tdvf_parse(firmware, sizeof(firmware), &t) == TDVF_OK);
	assert(t.n == TEST_FIRMWARE_N);
	assert(t.sections[0].type == TDVF_BFV && t.sections[0].data_offset == 0x1000);
	assert(t.sections[0].raw_size == 0x2000 && t.sections[0].address == 0xffffe000);
	assert(t.sections[0].size == 0x2000 && t.sections[0].attributes == TDVF_EXTEND);
	assert(tdvf_only(&t, TDVF_CFV) == &t.sections[1]);
	assert(tdvf_only(&t, TDVF_TEMP_MEM) == NULL); /* three */
	assert(tdvf_only(&t, TDVF_PERM_MEM) == NULL); /* none */
}

/* Each spoils one number of a good file. */
static const struct {
	size_t at;
	uint64_t value;
	size_t n;
	enum tdvf_verdict want;
} faults[] = {
	{ TEST_FIRMWARE_FOOTER + 2, 0, 1, TDVF_NO_TABLE },
	{ TEST_FIRMWARE_FOOTER, 17, 2, TDVF_BAD_TABLE },
	{ TEST_FIRMWARE_FOOTER, 0, 2, TDVF_BAD_TABLE },
	{ TEST_FIRMWARE_FOOTER, 18, 2, TDVF_NO_METADATA },
	{ TEST_FIRMWARE_FOOTER, 18 + 17, 2, TDVF_NO_METADATA },
	{ TEST_FIRMWARE_FOOTER, 18 + 21, 2, TDVF_BAD_TABLE },
	{ TEST_FIRMWARE_FOOTER, 0xffff, 2, TDVF_BAD_TABLE },
	{ TEST_FIRMWARE_ENTRY, 0, 2, TDVF_BAD_TABLE }, /* a walk that would not move */
	{ TEST_FIRMWARE_ENTRY, 17, 2, TDVF_BAD_TABLE },
	{ TEST_FIRMWARE_ENTRY, 18, 2, TDVF_BAD_TABLE },
	{ TEST_FIRMWARE_ENTRY, 23, 2, TDVF_BAD_TABLE },
	{ TEST_FIRMWARE_ENTRY, 0xffff, 2, TDVF_BAD_TABLE },
	{ TEST_FIRMWARE_ENTRY + 2, 0, 1, TDVF_NO_METADATA },
	{ TEST_FIRMWARE_ENTRY - 4, 0, 4, TDVF_BAD_OFFSET },
	{ TEST_FIRMWARE_ENTRY - 4, 15, 4, TDVF_BAD_OFFSET },
	{ TEST_FIRMWARE_ENTRY - 4, TEST_FIRMWARE_SIZE + 1, 4, TDVF_BAD_OFFSET },
	{ TEST_FIRMWARE_ENTRY - 4, UINT32_MAX, 4, TDVF_BAD_OFFSET },
	{ TEST_FIRMWARE_ENTRY - 4, 0x9000, 4, TDVF_BAD_DESCRIPTOR },
	{ TEST_FIRMWARE_DESCRIPTOR, 0, 4, TDVF_BAD_DESCRIPTOR },
	{ TEST_FIRMWARE_DESCRIPTOR + 4, 0, 4, TDVF_BAD_DESCRIPTOR },
	{ TEST_FIRMWARE_DESCRIPTOR + 8, 2, 4, TDVF_BAD_DESCRIPTOR },
	{ TEST_FIRMWARE_DESCRIPTOR + 12, 0, 4, TDVF_TOO_MANY_SECTIONS },
	{ TEST_FIRMWARE_DESCRIPTOR + 12, 65, 4, TDVF_TOO_MANY_SECTIONS },
	{ TEST_FIRMWARE_DESCRIPTOR + 12, UINT32_MAX, 4, TDVF_TOO_MANY_SECTIONS },
	{ TEST_FIRMWARE_DESCRIPTOR + 12, 5, 4, TDVF_BAD_DESCRIPTOR },
};

static void test_each_spoilt_number_has_its_name(void)
{
	size_t i;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		test_firmware(firmware);
		test_put(firmware + faults[i].at, faults[i].value, faults[i].n);
		assert(verdict(firmware, sizeof(firmware)) == faults[i].want);
	}
}

static const struct {
	struct test_section s;
	enum tdvf_verdict want;
} sections[] = {
	{ { 0, 0, 0x800001, 0x1000, 3, 0 }, TDVF_UNALIGNED },
	{ { 0, 0, 0x800000, 0x1001, 3, 0 }, TDVF_UNALIGNED },
	{ { 0, 0x1001, 0x800000, 0x1000, 3, 0 }, TDVF_BAD_SIZE },
	{ { 0, 0xfff, 0x800000, 0x1000, 0, 1 }, TDVF_BAD_SIZE },
	{ { 0, 0x1000, 0x800000, 0x1000, 0, 3 }, TDVF_BAD_ATTRIBUTES },
	{ { 0xf001, 0x1000, 0x800000, 0x1000, 0, 1 }, TDVF_OUTSIDE_FILE },
	{ { UINT32_MAX, 0x1000, 0x800000, 0x1000, 0, 1 }, TDVF_OUTSIDE_FILE },
	{ { 0, 0x11000, 0x800000, 0x11000, 0, 0 }, TDVF_OUTSIDE_FILE },
	{ { 0, 0, UINT64_MAX - 0xfff, 0x2000, 3, 0 }, TDVF_OUTSIDE_MEMORY },
	{ { 0, 0, 0x800000, UINT64_MAX - 0xfff, 3, 0 }, TDVF_OUTSIDE_MEMORY },
	{ { 0, 0, 0x800000, UINT64_C(1) << 40, 3, 0 }, TDVF_TOO_MANY_PAGES },
	{ { 0, 0, 0x800000, (TDVF_PAGES_MAX - 22) * UINT64_C(0x1000), 3, 0 }, TDVF_TOO_MANY_PAGES },
	{ { 0, 0, UINT64_MAX - 0xfff, 0, 3, 0 }, TDVF_OK },
};

static void test_each_bad_section_has_its_name(void)
{
	size_t i;

	for (i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		test_firmware(firmware);
		test_put_section(firmware, 5, sections[i].s);
		assert(verdict(firmware, sizeof(firmware)) == sections[i].want);
	}
}

/* Offsets count from the end: a file cut at its begin is whole as long as the descriptor is in it. */
static void test_no_part_of_a_file_is_read_beyond_it(void)
{
	size_t n;
	uint8_t *part;

	test_firmware(firmware);
	for (n = 0; n < TEST_FIRMWARE_SIZE; n += n < 200 ? 1 : 509) {
		part = malloc(n ? n : 1);
		assert(part);
		memcpy(part, firmware + sizeof(firmware) - n, n);
		assert(n > TEST_FIRMWARE_SIZE - TEST_FIRMWARE_DESCRIPTOR ||
		       verdict(part, n) != TDVF_OK);
		memcpy(part, firmware, n);
		assert(verdict(part, n) != TDVF_OK);
		free(part);
	}
}

static void test_sections_behind_the_end_are_told(void)
{
	test_firmware(firmware);
	/* a descriptor in the last 64 bytes has no room for six sections */
	memcpy(firmware + TEST_FIRMWARE_SIZE - 20, firmware + TEST_FIRMWARE_DESCRIPTOR, 16);
	test_put(firmware + TEST_FIRMWARE_ENTRY - 4, 20, 4);
	assert(verdict(firmware, sizeof(firmware)) == TDVF_TRUNCATED);
}

int main(void)
{
	test_sections_are_as_the_file_says();
	test_each_spoilt_number_has_its_name();
	test_each_bad_section_has_its_name();
	test_no_part_of_a_file_is_read_beyond_it();
	test_sections_behind_the_end_are_told();
	return 0;
}
