/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pccs_header: the one header of an answer that is wanted, out of its lines
 *
 * Trusts   nothing: pure, over lines of any bytes.  There may be one such header, of a limited length.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "pccs/pccs_chain.h"

enum { PCCS_HEADER_MAX = 3 * PCCS_CHAIN_MAX };

/* Zero-initialise but for the name. */
struct pccs_header {
	const char *name;	     /* NULL: none is wanted */
	char value[PCCS_HEADER_MAX]; /* with a NUL; "" until it came */
	bool is_bad;		     /* it was too long, there twice, or had a NUL in it */
};

/*
 * Take the next line of an answer's head, the first one ("HTTP/...") too: it begins another answer.
 * Intel's name for one of the headers had "SGX-" before it once: either will do.
 *
 * Return: 0; -EINVAL and @is_bad: the answer is of no use.
 */
int pccs_header_line(struct pccs_header *h, const char *line, size_t n);
