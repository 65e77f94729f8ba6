/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bzimage: what QEMU writes into a kernel's setup header before firmware sees it
 *
 * With -kernel QEMU leaves the file as it is but for some fields of the header: who loads it, where the command
 * line and the initrd will be.  OVMF measures the kernel with them.
 *
 * Trusts   nothing: the kernel may be anybody's.
 * Wire     "The Linux/x86 Boot Protocol"; QEMU's x86 loader for q35 (hw/i386/x86-common.c), whose reserve for
 *          ACPI data below the end of low memory is 0x28000 bytes.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	BZIMAGE_MIN = 0x1000,	    /* bytes that a kernel has at least */
	BZIMAGE_CMDLINE_MAX = 4096, /* Linux takes 2048 */
};

/* From here on guest memory has a part above 4 GiB, and low memory ends at 2 GiB. */
#define BZIMAGE_SPLIT_AT  UINT64_C(0xb0000000)
#define BZIMAGE_SPLIT_LOW UINT64_C(0x80000000)

enum bzimage_verdict {
	BZIMAGE_OK,
	BZIMAGE_TOO_SHORT,
	BZIMAGE_TOO_OLD, /* for an initrd */
	BZIMAGE_INITRD_TOO_LARGE,
	BZIMAGE_VIDEO_MODE,
	BZIMAGE_CMDLINE_TOO_LONG,
	BZIMAGE_VERDICT_COUNT,
};

/* What of the machine shows in the header. */
struct bzimage_boot {
	const char *cmdline;  /* as QEMU is given it */
	uint64_t initrd_size; /* bytes; 0: none */
	uint64_t memory;      /* bytes */
};

/* Change the @n bytes of the kernel @p.  Return: BZIMAGE_OK; else why QEMU would not start it so. */
enum bzimage_verdict bzimage_patch(uint8_t *p, size_t n, const struct bzimage_boot *boot);

/* What the verdict means, for people.  Static. */
const char *bzimage_verdict_text(enum bzimage_verdict v);

/* Bytes of guest memory below 4 GiB. */
uint64_t bzimage_low_memory(uint64_t memory);
