/* SPDX-License-Identifier: Apache-2.0 */
/*
 * luks2: the binary part of one copy of a LUKS2 header, held to what a data disk of ours may have
 *
 * A disk begins with two copies, each LUKS2_BINARY_SIZE bytes and a JSON area; which JSON is taken, data/luks2_json.h
 * says.  The checksum is not looked at here: see luks2_sum_parts.
 *
 * Borrows  the bytes: pointers are into them.
 * Trusts   nothing.
 * Wire     LUKS2 On-Disk Format Specification 1.1, section 2.1.  Big-endian.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct err;

enum {
	LUKS2_BINARY_SIZE = 4096,
	LUKS2_COPIES = 2,
	LUKS2_SIZE_MIN = 16 * 1024,	  /* of a copy with its JSON: a power of two */
	LUKS2_SIZE_MAX = 4 * 1024 * 1024, /* likewise */
	LUKS2_SUM_SIZE = 32,
	LUKS2_SUM_AT = 448, /* LUKS2_SUM_ROOM bytes that count as zeros when the sum is made */
	LUKS2_SUM_ROOM = 64,
};

struct luks2 {
	uint64_t size; /* of the copy: the second begins there */
	uint64_t sequence;
	const uint8_t *
		sum; /* SHA-256 of all @size bytes, where LUKS2_SUM_ROOM is zeros: the caller compares */
	const char *json; /* @n_json bytes without NUL; zeros follow them */
	size_t n_json;
};

/* How many bytes a copy that begins with these has.  Return: 0; ERR_PROTO if they are no header of @copy. */
int luks2_size(const uint8_t p[static LUKS2_BINARY_SIZE], unsigned int copy, uint64_t *ret,
	       struct err *e);

/**
 * luks2_parse() - one copy of a header
 * @p: where the copy begins
 * @copy: 0 for the first, 1 for the second
 *
 * Refused: another magic, version or checksum algorithm; a size that is none of LUKS2's, or more than @n; an offset
 * that is not where the copy is; a label, a subsystem or padding that is not zeros; a UUID that is not text; bytes
 * after the JSON.
 *
 * Return: 0; ERR_PROTO.
 */
int luks2_parse(const uint8_t *p, size_t n, unsigned int copy, struct luks2 *ret, struct err *e);
