/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_tee: which TEE this guest runs on, found out the same way by PID 1 and by the agent
 *
 * Owns     the mechanism and the log of the boot before PID 1.
 * Trusts   the kernel for what the machine is; the host's word only for a simulation, and never where there is
 *	    a real one: a TD that is handed a simulator does not start.
 */
#pragma once

#include "guest-stub/simulated.h"
#include "tee/boot_log.h"
#include "tee/tdx.h"
#include "tee/tee.h"

struct err;

struct guest_tee {
	struct tee tee;
	struct boot_log boot;
	struct registers registers; /* TEE_NONE */
	struct simulated simulated; /* TEE_SIMULATED */
	struct tdx tdx;		    /* TEE_TDX */
};

/**
 * guest_tee_init() - find the TEE; @t must stay where it is
 * @share: directory of the share's copy
 * @log: directory of the runtime log; software registers are there, too
 *
 * Return: 0; ERR_PROTO for a simulator in a real TD; what reading its file says.
 */
int guest_tee_init(struct guest_tee *t, int share, int log, struct err *e);
void guest_tee_deinit(struct guest_tee *t);

/* For PID 1, once: what a simulated boot measured is put into its registers. */
int guest_tee_boot(struct guest_tee *t, struct err *e);

/* What requirements.platforms calls it: "dstack-tdx", also for a simulation of one; "" without. */
const char *guest_tee_platform(const struct guest_tee *t);
