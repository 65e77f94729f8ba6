/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registers: four SHA-384 registers in software, for a machine without a TEE
 *
 * Owns     nothing but its struct; the registers are files of 48 bytes in a directory, named as the TDX
 *	    driver's in sysfs ("rtmr3:sha384"), so that init and agent see the same values.
 * Invariant a missing file is a register that was never extended: 48 zeros.
 * Limits   no lock of its own: who extends holds the lock of the runtime log.
 */
#pragma once

#include "tee/tee.h"

struct registers {
	int dirfd; /* borrowed */
};

/* @r must outlive the result. */
struct tee registers_tee(struct registers *r);
