/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/bzimage.h"

#include <stdbool.h>
#include <string.h>

#include "base/rd.h"

/* Fields of the setup header, by their offset in the file. */
enum {
	OLD_CMDLINE_MAGIC_AT = 0x20,
	OLD_CMDLINE_OFFSET_AT = 0x22,
	MAGIC_AT = 0x202, /* "HdrS" */
	VERSION_AT = 0x206,
	TYPE_OF_LOADER_AT = 0x210,
	LOADFLAGS_AT = 0x211,
	RAMDISK_IMAGE_AT = 0x218,
	RAMDISK_SIZE_AT = 0x21c,
	HEAP_END_AT = 0x224,
	CMDLINE_AT = 0x228,
	INITRD_MAX_AT = 0x22c,
	XLOADFLAGS_AT = 0x236,
};

enum {
	LOADED_HIGH = 0x01, /* of loadflags */
	CAN_USE_HEAP = 0x80,
	ABOVE_4G = 0x02, /* of xloadflags */
	TYPE_QEMU = 0xb0,
	OLD_CMDLINE_MAGIC = 0xa33f,
	REAL_OLD = 0x90000,
	CMDLINE_END_OLD = 0x9a000,
	REAL = 0x10000,
	CMDLINE = 0x20000,
	INITRD_MAX_OLD = 0x37ffffff,
	ACPI_RESERVE = 0x28000,
	PAGE = 0x1000,
};

static const char *const verdict_texts[BZIMAGE_VERDICT_COUNT] = {
	[BZIMAGE_OK] = "can be started",
	[BZIMAGE_TOO_SHORT] = "too short for a kernel",
	[BZIMAGE_TOO_OLD] =
		"no Linux kernel that takes an initrd: its header is missing or too old",
	[BZIMAGE_INITRD_TOO_LARGE] = "the initrd does not fit below the end of low memory",
	[BZIMAGE_CMDLINE_TOO_LONG] = "the command line has more than 4096 bytes",
	[BZIMAGE_VIDEO_MODE] =
		"vga= on the command line: QEMU would write a video mode into the kernel",
};

const char *bzimage_verdict_text(enum bzimage_verdict v)
{
	return v < BZIMAGE_VERDICT_COUNT ? verdict_texts[v] : "unknown";
}

uint64_t bzimage_low_memory(uint64_t memory)
{
	return memory >= BZIMAGE_SPLIT_AT ? BZIMAGE_SPLIT_LOW : memory;
}

static uint32_t get(const uint8_t *p, size_t at, size_t n)
{
	struct rd r = rd_over(p + at, n);

	return (uint32_t)rd_le(&r, n);
}

static void put(uint8_t *p, size_t at, uint32_t v, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		p[at + i] = (uint8_t)(v >> (8 * i));
}

/* The first byte behind all that an initrd may use. */
static uint64_t initrd_end(const uint8_t *p, uint32_t protocol, uint64_t memory)
{
	uint64_t low = bzimage_low_memory(memory), max = INITRD_MAX_OLD;

	if (protocol >= 0x20c && get(p, XLOADFLAGS_AT, 2) & ABOVE_4G)
		max = UINT32_MAX;
	else if (protocol >= 0x203)
		max = get(p, INITRD_MAX_AT, 4);
	low = low > ACPI_RESERVE ? low - ACPI_RESERVE : 1;
	return max >= low ? low - 1 : max;
}

static void patch_cmdline(uint8_t *p, uint32_t protocol, const char *cmdline)
{
	bool is_old = protocol < 0x202 || !(p[LOADFLAGS_AT] & LOADED_HIGH);
	uint32_t size = (uint32_t)((strlen(cmdline) + 16) & ~(size_t)15);
	uint32_t real = is_old ? REAL_OLD : REAL;
	uint32_t at = is_old ? CMDLINE_END_OLD - size : CMDLINE;

	if (protocol >= 0x202) {
		put(p, CMDLINE_AT, at, 4);
	} else {
		put(p, OLD_CMDLINE_MAGIC_AT, OLD_CMDLINE_MAGIC, 2);
		put(p, OLD_CMDLINE_OFFSET_AT, at - real, 2);
	}
	if (protocol >= 0x200)
		p[TYPE_OF_LOADER_AT] = TYPE_QEMU;
	if (protocol >= 0x201) {
		p[LOADFLAGS_AT] |= CAN_USE_HEAP;
		put(p, HEAP_END_AT, at - real - 0x200, 2);
	}
}

enum bzimage_verdict bzimage_patch(uint8_t *p, size_t n, const struct bzimage_boot *boot)
{
	uint32_t protocol;
	uint64_t end;

	if (n < BZIMAGE_MIN)
		return BZIMAGE_TOO_SHORT;
	if (strlen(boot->cmdline) > BZIMAGE_CMDLINE_MAX)
		return BZIMAGE_CMDLINE_TOO_LONG;
	if (strstr(boot->cmdline, "vga="))
		return BZIMAGE_VIDEO_MODE;
	protocol = memcmp(p + MAGIC_AT, "HdrS", 4) == 0 ? get(p, VERSION_AT, 2) : 0;
	patch_cmdline(p, protocol, boot->cmdline);
	if (boot->initrd_size == 0)
		return BZIMAGE_OK;
	end = initrd_end(p, protocol, boot->memory);
	if (protocol < 0x200)
		return BZIMAGE_TOO_OLD;
	if (boot->initrd_size >= end)
		return BZIMAGE_INITRD_TOO_LARGE;
	put(p, RAMDISK_IMAGE_AT, (uint32_t)(end - boot->initrd_size) & ~(uint32_t)(PAGE - 1), 4);
	put(p, RAMDISK_SIZE_AT, (uint32_t)boot->initrd_size, 4);
	return BZIMAGE_OK;
}
