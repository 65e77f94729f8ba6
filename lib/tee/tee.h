/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tee: the measurement registers of the machine we run in, and its quotes, whatever makes them
 *
 * Owns     nothing; a struct tee is made by the mechanism (registers.h, tdx.h; the simulated one is the guest's)
 *	    and is valid as long as that mechanism's object.
 * Trusts   the mechanism.  TEE_NONE proves nothing to anybody: every place that shows it says so.
 */
#pragma once

#include <stdint.h>

#include "crypto/digest.h"

struct buf;
struct err;

enum tee_kind {
	TEE_NONE,      /* registers in software: replayable, worthless as proof */
	TEE_SIMULATED, /* quotes under a development root */
	TEE_TDX,
	TEE_KIND_COUNT,
};

enum {
	TEE_RTMR_COUNT = 4,
	TEE_RTMR_RUNTIME = 3,
	TEE_REPORT_DATA_SIZE = 64,
	TEE_QUOTE_MAX = 32 * 1024,
};

/* What a TD is made of, as its report says. */
struct tee_td {
	struct digest384 mrtd, mr_config_id, mr_owner, mr_owner_config, rtmr[TEE_RTMR_COUNT];
};

/* The last two are NULL where there is no TEE. */
struct tee_ops {
	int (*extend)(void *ctx, unsigned int index, const struct digest384 *d, struct err *e);
	int (*read)(void *ctx, unsigned int index, struct digest384 *ret, struct err *e);
	int (*td)(void *ctx, struct tee_td *ret, struct err *e);
	int (*quote)(void *ctx, const uint8_t *report_data, struct buf *ret, struct err *e);
};

struct tee {
	enum tee_kind kind;
	const struct tee_ops *ops;
	void *ctx; /* borrowed */
};

/* Register := SHA384(register || @d).  Return: 0, or negative and the register is unchanged. */
int tee_extend(const struct tee *t, unsigned int index, const struct digest384 *d, struct err *e);
int tee_read(const struct tee *t, unsigned int index, struct digest384 *ret, struct err *e);

/* What a report would say now; fast.  Return: 0; ERR_MISSING without a TEE. */
int tee_td(const struct tee *t, struct tee_td *ret, struct err *e);

/*
 * Append a quote over @report_data (TEE_REPORT_DATA_SIZE bytes); @ret takes TEE_QUOTE_MAX at least.  It may take
 * seconds, and waits for other quotes of this machine.
 *
 * Return: 0; ERR_MISSING without a TEE or without what makes quotes; what the mechanism says.
 */
int tee_quote(const struct tee *t, const uint8_t *report_data, struct buf *ret, struct err *e);

/* "none", "simulated", "tdx": for machines. */
const char *tee_kind_name(enum tee_kind kind);

/* One line for people: what may be believed. */
const char *tee_kind_meaning(enum tee_kind kind);
