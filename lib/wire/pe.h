/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pe: which bytes of a PE/COFF file its Authenticode digest is made of
 *
 * All but the checksum, the place of the certificates, and the certificates: headers, sections by their place
 * in the file, then what is behind them.
 *
 * Trusts   nothing: each range lies inside the file.
 * Wire     Microsoft's "Windows Authenticode Portable Executable Signature Format", as EDK2 reads it: a file
 *          whose size is odd is digested as it is, without filling up.
 * Limits   PE_SECTIONS_MAX.
 */
#pragma once

#include <stddef.h>

enum {
	PE_SECTIONS_MAX = 96,
	PE_RANGES_MAX = PE_SECTIONS_MAX + 4, /* three of the headers, one at the end */
};

struct pe_range {
	size_t offset, n;
};

struct pe_ranges {
	struct pe_range p[PE_RANGES_MAX];
	size_t n;
};

enum pe_verdict {
	PE_OK,
	PE_NOT_PE,
	PE_TRUNCATED,
	PE_BAD_HEADERS,
	PE_TOO_MANY_SECTIONS,
	PE_BAD_SECTION,
	PE_BAD_CERTIFICATES,
	PE_VERDICT_COUNT,
};

/* Return: PE_OK and *@ret, in the order in which they are digested; else the first thing that is wrong. */
enum pe_verdict pe_authenticode(const void *p, size_t n, struct pe_ranges *ret);

/* What the verdict means, for people.  Static. */
const char *pe_verdict_text(enum pe_verdict v);
