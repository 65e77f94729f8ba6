/* SPDX-License-Identifier: Apache-2.0 */
/*
 * luks2_json: the JSON of a LUKS2 header, which must be of the one form that a data disk has
 *
 * One table says what each object holds: nothing else may be in it and nothing may be missing, so no cipher, key slot,
 * flag or requirement of the host's choice gets to cryptsetup.  One key slot (PBKDF2 with SHA-256, 4000 stripes), one
 * segment (aes-xts-plain64, sectors of 512 bytes, from LUKS2_DATA_OFFSET to the disk's end), one digest, no tokens.
 *
 * Trusts   nothing.
 * Limits   LUKS2_JSON_MAX bytes; json.h's depth and number of values.
 * Wire     LUKS2 On-Disk Format Specification 1.1, section 3.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	LUKS2_DATA_OFFSET = 16 * 1024 * 1024, /* bytes; the encrypted data begin here */
	LUKS2_JSON_MAX = 16 * 1024,	      /* ours and dstack's have about 1000 */
	LUKS2_KEY_AREA_MIN = 64 * 4000,	      /* a key of 64 bytes, spread over the stripes */
};

struct luks2_layout {
	uint64_t area_offset,
		area_size; /* of the key slot, in bytes; it ends at LUKS2_DATA_OFFSET or before */
};

/**
 * luks2_json_check() - is it a data disk's?
 * @size: of a header copy (struct luks2), two of which are before the key slot
 *
 * Return: 0; ERR_INPUT, ERR_LIMIT with the member that is wrong.
 */
int luks2_json_check(const char *p, size_t n, uint64_t size, struct luks2_layout *ret,
		     struct err *e);
