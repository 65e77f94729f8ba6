/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/fat_label.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/str.h"

static uint8_t sector[FAT_LABEL_SECTOR];

/* A field of a boot sector has no 0 at its end. */
static void put(uint8_t *at, const char *text)
{
	while (*text)
		*at++ = (uint8_t)*text++;
}

static void make(bool is_32, const char *label, const char *type)
{
	size_t extra = is_32 ? 66 : 38;

	memset(sector, 0, sizeof(sector));
	sector[12] = 2; /* 512 */
	sector[22] = is_32 ? 0 : 9;
	sector[extra] = 0x29;
	memset(sector + extra + 5, ' ', 11);
	put(sector + extra + 5, label);
	put(sector + extra + 16, type);
	sector[510] = 0x55;
	sector[511] = 0xaa;
}

static bool is(const char *want)
{
	char got[FAT_LABEL_SIZE];

	return fat_label_of(sector, sizeof(sector), got) && str_equal(got, want);
}

static bool none(size_t n)
{
	char got[FAT_LABEL_SIZE];

	return !fat_label_of(sector, n, got);
}

static void test_label_of_each_kind(void)
{
	make(true, "DSTACKSHR", "FAT32   ");
	assert(is("DSTACKSHR"));
	make(false, "DSTACKSHR", "FAT16   ");
	assert(is("DSTACKSHR"));
	make(true, "ELEVENCHARS", "FAT32   ");
	assert(is("ELEVENCHARS"));
	make(true, "two words", "FAT32   ");
	assert(is("two words"));
}

static void test_no_label(void)
{
	make(true, "NO NAME", "FAT32   ");
	assert(none(sizeof(sector)));
	make(true, "", "FAT32   ");
	assert(none(sizeof(sector)));
}

static void test_other_file_systems(void)
{
	make(true, "DSTACKSHR", "NTFS    ");
	assert(none(sizeof(sector)));
	make(true, "DSTACKSHR", "FAT32   ");
	assert(none(sizeof(sector) - 1));
	sector[510] = 0;
	assert(none(sizeof(sector)));
	make(true, "DSTACKSHR", "FAT32   ");
	sector[66] = 0;
	assert(none(sizeof(sector)));
	make(true, "DSTACKSHR", "FAT32   ");
	sector[11] = 1;
	assert(none(sizeof(sector)));
}

int main(void)
{
	test_label_of_each_kind();
	test_no_label();
	test_other_file_systems();
	return 0;
}
