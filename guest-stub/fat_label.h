/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fat_label: the volume label out of a FAT boot sector
 *
 * Wire     the boot sector of Microsoft's FAT specification 1.03, section 3.1 to 3.3.
 * Trusts   nothing; the disk is the host's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { FAT_LABEL_SECTOR = 512, FAT_LABEL_SIZE = 12 };

/*
 * The label of the FAT12, FAT16 or FAT32 file system whose first @n bytes are @p, without the blanks at
 * its end.  Return: false if it is not one, or has no label ("NO NAME").
 */
bool fat_label_of(const void *p, size_t n, char ret[static FAT_LABEL_SIZE]);
