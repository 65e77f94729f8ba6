/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pccs_cut: the signed text inside what a service answers, byte for byte
 *
 * {"tcbInfo":{...},"signature":"..."} is signed over the bytes of the inner object as they came.  They are
 * cut out; nothing is ever written anew from a parsed form.
 *
 * Borrows  the bytes; what is found points into them.
 * Trusts   nothing: pure, no allocation.  It finds ends by strings and brackets; that the whole is JSON
 *	    the caller asks of a parser, and then the text found is one member of it.
 * Limits   PCCS_CUT_DEPTH_MAX brackets in one another.
 */
#pragma once

#include <stddef.h>

enum { PCCS_CUT_DEPTH_MAX = 64 };

struct pccs_cut {
	const char *text; /* from "{" to "}" */
	size_t n_text;
	const char *signature; /* between its quotation marks */
	size_t n_signature;
};

/* The object in member @name and the text in "signature", each once.  Return: 0 or -EINVAL. */
int pccs_cut(const char *p, size_t n, const char *name, struct pccs_cut *ret);
