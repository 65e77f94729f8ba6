/* SPDX-License-Identifier: Apache-2.0 */
/*
 * td_hob: the list of memory that QEMU hands to a TD's firmware, which measures it first
 *
 * Which parts are accepted already is the firmware's choice (its TD_HOB and temporary sections); how much there
 * is behind them is the machine's.  An image's measurement document keeps the first as a witness of some bytes.
 *
 * Trusts   nothing: sections and witnesses may be anybody's.
 * Wire     UEFI PI 1.7 vol. 3 (HOBs, little-endian).  Witness: unsigned LEB128 numbers, in pages of 4 KiB: the
 *          lowest page, the HOB's distance from it, a count, and for each range its distance and its pages.
 * Limits   TD_HOB_RANGES_MAX.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct tdvf;

enum {
	TD_HOB_RANGES_MAX = 64,
	TD_HOB_BYTES_MAX = 56 + 48 * (2 * TD_HOB_RANGES_MAX + 2),
	TD_HOB_WITNESS_MAX = 1024,
};

struct td_hob_range {
	uint64_t start, size; /* bytes, whole pages */
};

/* Invariant: sorted, none empty, none overlaps another, none ends beyond 4 GiB. */
struct td_hob_layout {
	uint64_t base; /* where the list itself is */
	struct td_hob_range ranges[TD_HOB_RANGES_MAX];
	size_t n;
};

/* Of a firmware's sections.  Return: 0; ERR_INPUT. */
int td_hob_layout_of(const struct tdvf *t, struct td_hob_layout *ret, struct err *e);

/* Of a witness; no byte may be left over.  Return: 0; ERR_INPUT. */
int td_hob_witness_read(const void *p, size_t n, struct td_hob_layout *ret, struct err *e);

/* The witness of @l.  Return: as buf_add(). */
int td_hob_witness_write(const struct td_hob_layout *l, struct buf *ret);

/* The bytes that firmware measures in a machine of @memory bytes.  Return: 0; ERR_INPUT: too little memory. */
int td_hob_build(const struct td_hob_layout *l, uint64_t memory, struct buf *ret, struct err *e);
