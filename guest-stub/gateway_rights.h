/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway_rights: what the two processes that look after a gateway may do: one next to nothing, one also CAP_NET_ADMIN
 *
 * Thread   before there are others.
 */
#pragma once

struct err;

enum {
	GATEWAY_SPEAKER = 65534, /* nobody: speaks to gateways */
	GATEWAY_WORKER = 65533,	 /* changes the interface */
};

/* No dumps, no core file, no new privileges: at once. */
void gateway_rights_harden(void);

/* Nobody, and no capability is left, nor can be got.  Who is not root has nothing to drop: a test. */
int gateway_rights_of_speaker(struct err *e);

/* Likewise, but for CAP_NET_ADMIN, which programs that it runs have, too. */
int gateway_rights_of_worker(struct err *e);
