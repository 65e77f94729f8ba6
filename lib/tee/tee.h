/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tee: the measurement registers of the machine we run in, whatever they are
 *
 * Owns     nothing; a struct tee is made by the mechanism (registers.h today; TDX and the simulator have
 *	    the same shape) and is valid as long as that mechanism's object.
 * Trusts   the mechanism.  TEE_NONE proves nothing to anybody: every place that shows it says so.
 */
#pragma once

struct digest384;
struct err;

enum tee_kind {
	TEE_NONE,      /* registers in software: replayable, worthless as proof */
	TEE_SIMULATED, /* quotes under a development root */
	TEE_TDX,
	TEE_KIND_COUNT,
};

enum { TEE_RTMR_COUNT = 4, TEE_RTMR_RUNTIME = 3 };

struct tee_ops {
	int (*extend)(void *ctx, unsigned int index, const struct digest384 *d, struct err *e);
	int (*read)(void *ctx, unsigned int index, struct digest384 *ret, struct err *e);
};

struct tee {
	enum tee_kind kind;
	const struct tee_ops *ops;
	void *ctx; /* borrowed */
};

/* Register := SHA384(register || @d).  Return: 0, or negative and the register is unchanged. */
int tee_extend(const struct tee *t, unsigned int index, const struct digest384 *d, struct err *e);
int tee_read(const struct tee *t, unsigned int index, struct digest384 *ret, struct err *e);

/* "none", "simulated", "tdx": for machines. */
const char *tee_kind_name(enum tee_kind kind);

/* One line for people: what may be believed. */
const char *tee_kind_meaning(enum tee_kind kind);
