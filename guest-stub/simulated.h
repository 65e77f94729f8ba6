/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulated: a TEE that is none, which measures as a TD does and signs with keys made of a seed that the host knows
 *
 * Owns     the registers, which are files of its directory (tee/registers.h), and what the host handed over.
 * Invariant before simulated_boot() all registers are zero; after it RTMR0 to RTMR2 are what the host says that a
 *	    TD would have measured.
 * Trusts   nobody who matters: the host could sign any quote itself.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tee/registers.h"
#include "tee/tee.h"

struct boot_log;
struct err;
struct simulator;
struct tee_simulator;

struct simulated {
	struct registers registers;
	struct tee software;
	struct tee_simulator *config;
	struct simulator *simulator; /* NULL without a seed */
};

/* @dirfd (borrowed) holds the registers; @p of @n bytes is .tee-simulator.json.  Return: 0, ERR_INPUT, ERR_LIMIT. */
int simulated_init(struct simulated *s, int dirfd, const void *p, size_t n, struct err *e);
void simulated_deinit(struct simulated *s);

/* @s must stay where it is as long as the result is used. */
struct tee simulated_tee(struct simulated *s);

/* The events of the boot, for who passes them on. */
int simulated_boot_log(const struct simulated *s, struct boot_log *ret, struct err *e);

/* Extend RTMR0 to RTMR2 with them, once in a boot, before anything else is measured. */
int simulated_boot(struct simulated *s, const struct boot_log *log, struct err *e);
