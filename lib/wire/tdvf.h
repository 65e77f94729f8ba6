/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tdvf: which parts of a firmware file go where in a TD, and which of them are measured
 *
 * Trusts   nothing: the file may be anybody's.  What is returned lies inside the file and inside the address
 *          space, and all pages together are bounded, so that who measures them can be no slower than that.
 * Wire     "Intel TDX Virtual Firmware Design Guide", section 11: OVMF's GUIDed table before the reset vector
 *          leads to the descriptor "TDVF", version 1.
 * Limits   TDVF_SECTIONS_MAX, TDVF_PAGES_MAX.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	TDVF_PAGE = 0x1000,
	TDVF_SECTIONS_MAX = 64,	    /* real ones have six */
	TDVF_PAGES_MAX = 64 * 1024, /* 256 MiB; real ones have some 1100 pages */
};

enum tdvf_type {
	TDVF_BFV = 0,	   /* boot firmware volume: code */
	TDVF_CFV = 1,	   /* configuration firmware volume: variables */
	TDVF_TD_HOB = 2,   /* where the VMM puts its list of what memory there is */
	TDVF_TEMP_MEM = 3, /* stack and heap */
	TDVF_PERM_MEM = 4,
};

enum {
	TDVF_EXTEND = 1, /* its bytes go into MRTD */
	TDVF_AUG = 2,	 /* its pages come later, unmeasured */
};

struct tdvf_section {
	uint32_t data_offset, raw_size; /* in the file; inside it */
	uint64_t address, size;		/* in the guest; whole pages */
	uint32_t type, attributes;	/* of types beyond 4 nothing is known */
};

struct tdvf {
	struct tdvf_section sections[TDVF_SECTIONS_MAX];
	size_t n;
};

enum tdvf_verdict {
	TDVF_OK,
	TDVF_NO_TABLE,
	TDVF_BAD_TABLE,
	TDVF_NO_METADATA,
	TDVF_BAD_OFFSET,
	TDVF_BAD_DESCRIPTOR,
	TDVF_TOO_MANY_SECTIONS,
	TDVF_TRUNCATED,
	TDVF_UNALIGNED,
	TDVF_BAD_SIZE,
	TDVF_OUTSIDE_FILE,
	TDVF_OUTSIDE_MEMORY,
	TDVF_TOO_MANY_PAGES,
	TDVF_BAD_ATTRIBUTES,
	TDVF_VERDICT_COUNT,
};

/* Return: TDVF_OK and *@ret; else the first thing that is wrong, and *@ret is not written. */
enum tdvf_verdict tdvf_parse(const void *p, size_t n, struct tdvf *ret);

/* What the verdict means, for people.  Static. */
const char *tdvf_verdict_text(enum tdvf_verdict v);

/* The only section of @type; NULL: there is none, or more than one. */
const struct tdvf_section *tdvf_only(const struct tdvf *t, enum tdvf_type type);
