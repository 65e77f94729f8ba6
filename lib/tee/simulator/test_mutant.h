/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_mutant: an honest quote and collateral with some bytes changed in what is signed, and signed again
 *
 * Wire     a byte: bits 0-1 which honest TD, bit 2 strict, bit 3 do not bind the attestation key; then
 *	    changes to the end: u8 part (of enum forge_part, modulo), u16 LE offset (modulo its length), u8
 *	    how many bytes to take away, u8 how many to put in, and those.
 */
#pragma once

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "simulator/test_forge.h"
#include "simulator/test_judge.h"
#include "tee/collateral.h"
#include "tee/known.h"

enum { MUTANT_TDS = 4, MUTANT_PART_MAX = 16 * 1024, MUTANT_CHANGE = 5 };

/* What is kept of the honest ones, so that only what was changed is put together, read and proved anew. */
struct mutant_world {
	struct forge honest[MUTANT_TDS];
	struct buf quotes[MUTANT_TDS];
	struct collateral collateral[MUTANT_TDS];
	struct known *known;
	struct x509_cert *root;
};

static inline void mutant_td(unsigned int which, struct simulator_td *td)
{
	simulator_td_init(td);
	td->tee_tcb_svn[1] = td->tee_tcb_svn2[1] = which & 1;
	if (which & 2) {
		td->version = 5;
		td->body = QUOTE_BODY_TD15;
		td->tee_tcb_svn[2] = 1; /* launched on what is out of date by now */
	}
}

/* Return: can it be read? */
static inline bool mutant_read_collateral(const struct forge *f, struct collateral *ret)
{
	struct buf text = BUF_MAX(1 << 20);
	bool ok = forge_collateral(f, &text) && collateral_parse(text.p, text.n, ret, NULL) == 0;

	buf_deinit(&text);
	return ok;
}

static inline void mutant_world_init(struct mutant_world *m)
{
	struct simulator *sim = simulator_new(world_seed);
	struct simulator_td td;
	size_t n = 0;
	const uint8_t *der = simulator_root(sim, &n);
	unsigned int i;

	assert(x509_cert_read(der, n, &m->root, NULL) == 0);
	for (i = 0; i < MUTANT_TDS; i++) {
		mutant_td(i, &td);
		forge_init(&m->honest[i], &td);
		m->quotes[i] = BUF_MAX(1 << 20);
		forge_quote(&m->honest[i], &m->quotes[i]);
		mutant_read_collateral(&m->honest[i], &m->collateral[i]);
	}
	m->known = known_new(4 * MUTANT_TDS);
	simulator_free(sim);
}

static inline void mutant_world_deinit(struct mutant_world *m)
{
	unsigned int i;

	for (i = 0; i < MUTANT_TDS; i++) {
		forge_deinit(&m->honest[i]);
		buf_deinit(&m->quotes[i]);
		collateral_deinit(&m->collateral[i]);
	}
	known_free(m->known);
	x509_cert_free(m->root);
}

static inline void mutant_change(struct buf *b, size_t at, size_t n_away, const uint8_t *p,
				 size_t n)
{
	size_t n_left;

	at = b->n ? at % b->n : 0;
	n_away = n_away > b->n - at ? b->n - at : n_away;
	if (b->n - n_away + n > MUTANT_PART_MAX)
		return;
	assert(buf_reserve(b, n + 1) == 0);
	n_left = b->n - at - n_away;
	memmove(b->p + at + n, b->p + at + n_away, n_left);
	if (n)
		memcpy(b->p + at, p, n);
	b->n = at + n + n_left;
	b->p[b->n] = 0;
}

/* @f is a copy of an honest one.  Return: 1 << enum forge_part of each that was touched. */
static inline unsigned int mutant_apply(struct forge *f, const uint8_t *p, size_t n)
{
	unsigned int touched = 0;

	while (n >= MUTANT_CHANGE) {
		size_t at = (size_t)(p[1] | p[2] << 8), n_in = p[4];
		struct buf *part = &f->parts[p[0] % FORGE_COUNT];

		if (n_in > n - MUTANT_CHANGE)
			n_in = n - MUTANT_CHANGE;
		mutant_change(part, at, p[3], p + MUTANT_CHANGE, n_in);
		touched |= 1u << p[0] % FORGE_COUNT;
		p += MUTANT_CHANGE + n_in;
		n -= MUTANT_CHANGE + n_in;
	}
	return touched;
}

static inline struct forge mutant_copy(const struct forge *from)
{
	struct forge f = *from; /* keys are borrowed */
	size_t i;

	for (i = 0; i < FORGE_COUNT; i++) {
		f.parts[i] = BUF_MAX(2 * MUTANT_PART_MAX);
		assert(buf_add(&f.parts[i], from->parts[i].p, from->parts[i].n) == 0);
	}
	return f;
}

static inline void mutant_must_hold(const struct forge *f, bool strict,
				    const struct quote_result *r)
{
	const char *why = judge_refuses(f, strict, r);

	if (!why)
		return;
	(void)fprintf(stderr, "accepted, in spite of %s (%s)\n", why, tcb_status_name(r->status));
	abort();
}

static inline bool mutant_verify(const struct mutant_world *m, const struct forge *f,
				 const struct buf *quote, const struct collateral *c, bool strict)
{
	const struct quote_verify_args args = { .quote = quote->p,
						.n_quote = quote->n,
						.collateral = c,
						.root = m->root,
						.at = WORLD_NOW,
						.known = m->known,
						.policy = strict ? QUOTE_POLICY_STRICT
								 : QUOTE_POLICY_INTEL };
	struct quote_result r;
	bool accepted = quote_verify(&args, &r);

	assert(accepted == !r.check);
	if (accepted)
		mutant_must_hold(f, strict, &r);
	return accepted;
}

/* Return: was it accepted?  Ends the program if it should not have been. */
static inline bool mutant_try(const struct mutant_world *m, const uint8_t *p, size_t n)
{
	const unsigned int in_collateral = 1u << FORGE_CA | 1u << FORGE_ROOT | 1u << FORGE_SIGNER |
					   1u << FORGE_ROOT_CRL | 1u << FORGE_PCK_CRL |
					   1u << FORGE_TCB | 1u << FORGE_QE;
	uint8_t how = n ? p[0] : 0;
	struct forge f = mutant_copy(&m->honest[how & 3]);
	unsigned int touched = mutant_apply(&f, p + 1, n ? n - 1 : 0);
	const struct buf *quote = &m->quotes[how & 3];
	const struct collateral *collateral = &m->collateral[how & 3];
	struct buf other_quote = BUF_MAX(1 << 20);
	struct collateral other = COLLATERAL_NULL;
	bool accepted = false;
	size_t i;

	f.bind = !(how & 8);
	if (touched & ((1u << FORGE_SIGNER) - 1)) {
		forge_quote(&f, &other_quote);
		quote = &other_quote;
	}
	if (touched & in_collateral)
		collateral = mutant_read_collateral(&f, &other) ? &other : NULL;
	if (collateral)
		accepted = mutant_verify(m, &f, quote, collateral, how & 4);
	collateral_deinit(&other);
	buf_deinit(&other_quote);
	for (i = 0; i < FORGE_COUNT; i++)
		buf_deinit(&f.parts[i]);
	return accepted;
}

/* Numbers that are the same each time for the same state. */
static inline uint32_t mutant_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* A place in @text where a digit or a letter of hex can be another, so that it stays JSON. */
static inline size_t mutant_digit(const struct buf *text, uint32_t *state)
{
	size_t tries, at = 0;

	for (tries = 0; tries < 200; tries++) {
		at = mutant_random(state) % text->n;
		if (isxdigit(text->p[at]) && at && !isalpha(text->p[at - 1]))
			break;
	}
	return at;
}

/* One change that is likely to be understood, for @part of @f.  Return: its size, at most MUTANT_CHANGE + 24. */
static inline size_t mutant_invent(const struct forge *f, enum forge_part part, uint32_t *state,
				   uint8_t *out)
{
	static const char *const words[] = {
		"UpToDate", "OutOfDate", "Revoked", "SWHardeningNeeded",
		"TDX",	    "TDX_01",	 "null",    "[]",
		"{}",	    "0",	 "1",	    "255",
		"ffffffff", "00000000",	 "2026",    "2027"
	};
	static const uint8_t bytes[] = { 0, 1, 0x7f, 0x80, 0xff, 0x30, 0x04, 0x03 };
	const struct buf *b = &f->parts[part];
	bool is_text = part == FORGE_TCB || part == FORGE_QE;
	const char *word = words[mutant_random(state) % (sizeof(words) / sizeof(*words))];
	uint32_t kind = mutant_random(state) % (is_text ? 4 : 3);
	size_t at = b->n ? mutant_random(state) % b->n : 0, n = 1;
	uint8_t value = (uint8_t)(b->n ? b->p[at] ^ 1u << mutant_random(state) % 8 : 0);

	if (is_text && kind < 2 && b->n) {
		at = mutant_digit(b, state);
		value = (uint8_t) "0123456789"[mutant_random(state) % 10];
	} else if (kind == 1) {
		value = bytes[mutant_random(state) % sizeof(bytes)];
	}
	out[0] = (uint8_t)part;
	out[1] = (uint8_t)at;
	out[2] = (uint8_t)(at >> 8);
	out[3] = (uint8_t)(kind == 2 && !is_text ? mutant_random(state) % 3 : 1);
	out[MUTANT_CHANGE] = value;
	if (kind == 3) {
		n = strlen(word);
		out[3] = (uint8_t)(mutant_random(state) % 12);
		memcpy(out + MUTANT_CHANGE, word, n);
	}
	out[4] = (uint8_t)n;
	return MUTANT_CHANGE + n;
}
