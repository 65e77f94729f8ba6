/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/fat_label.h"

#include <stdint.h>
#include <string.h>

#include "base/rd.h"
#include "base/str.h"

enum {
	OFFSET_SECTOR_SIZE = 11, /* BPB_BytsPerSec */
	OFFSET_FAT_SIZE_16 = 22, /* BPB_FATSz16: 0 on FAT32 */
	OFFSET_EXTRA_16 = 38,	 /* BS_BootSig on FAT12 and FAT16 */
	OFFSET_EXTRA_32 = 66,	 /* BS_BootSig on FAT32 */
	EXTRA_PRESENT = 0x29,	 /* id, label and type follow */
	LABEL_CHARS = 11,
	TYPE_CHARS = 8,
};

static uint16_t le16_at(const uint8_t *p, size_t offset)
{
	struct rd r = rd_over(p + offset, 2);

	return rd_le16(&r);
}

static bool is_fat(const uint8_t *p)
{
	uint16_t sector = le16_at(p, OFFSET_SECTOR_SIZE);

	return p[510] == 0x55 && p[511] == 0xaa && sector >= 512 && sector <= 4096 &&
	       (sector & (sector - 1)) == 0;
}

bool fat_label_of(const void *bytes, size_t n, char ret[static FAT_LABEL_SIZE])
{
	const uint8_t *p = bytes;
	char type[TYPE_CHARS + 1] = "";
	char label[FAT_LABEL_SIZE] = "";
	size_t extra, len;

	if (n < FAT_LABEL_SECTOR || !is_fat(p))
		return false;
	extra = le16_at(p, OFFSET_FAT_SIZE_16) == 0 ? OFFSET_EXTRA_32 : OFFSET_EXTRA_16;
	if (p[extra] != EXTRA_PRESENT)
		return false;
	memcpy(label, p + extra + 5, LABEL_CHARS); /* after the flag and a volume id of 4 bytes */
	memcpy(type, p + extra + 5 + LABEL_CHARS, TYPE_CHARS);
	if (!str_starts(type, "FAT"))
		return false;
	for (len = strnlen(label, LABEL_CHARS); len > 0 && label[len - 1] == ' '; len--)
		label[len - 1] = 0;
	if (len == 0 || str_equal(label, "NO NAME"))
		return false;
	memcpy(ret, label, sizeof(label));
	return true;
}
