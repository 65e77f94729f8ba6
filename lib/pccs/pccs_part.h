/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pccs_part: one of the four parts of a collateral, as it was answered or kept
 *
 * Owns     its texts.
 * Trusts   nothing: a part has its form, and dates that somebody wrote; who signed it is not looked at.
 * Limits   PCCS_PART_MAX bytes of an answer, PCCS_CHAIN_MAX of a chain.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pccs/pccs_url.h"

struct err;

enum {
	PCCS_PART_MAX = 512 * 1024, /* lists as hex twice that */
	PCCS_PART_FILE_MAX = 2 * 1024 * 1024,
};

struct pccs_part {
	char *body;	 /* a list: hex of its DER; a document: the text that is signed */
	char *signature; /* of a document, hex */
	char *chain;	 /* who signed it, PEM; "" of the root's list */
	int64_t from, until;
};

#define PCCS_PART_NULL ((struct pccs_part){ .body = NULL })

/* "TCB info" and the like. */
const char *pccs_part_name(enum pccs_kind kind);

/* Which header holds its chain; NULL: none. */
const char *pccs_part_header(enum pccs_kind kind);

/*
 * Out of an answer's body and that header's value, as they came (@chain is "" if it did not come).
 * Return: 0 and *@ret, to be deinitialised; ERR_PROTO with what is wrong.
 */
int pccs_part_answer(enum pccs_kind kind, const void *p, size_t n, const char *chain,
		     struct pccs_part *ret, struct err *e);

/* A file of it, and back.  @url is what it was asked by, and must be again.  The caller frees. */
char *pccs_part_file(const struct pccs_part *p, const char *url);
int pccs_part_read(enum pccs_kind kind, const void *p, size_t n, const char *url,
		   struct pccs_part *ret, struct err *e);

static inline bool pccs_part_is_current(const struct pccs_part *p, int64_t at)
{
	return p->from <= at && at <= p->until;
}

void pccs_part_deinit(struct pccs_part *p);
