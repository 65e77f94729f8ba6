/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway_run: `bailey-guest gateway`: the process that PID 1 starts to register the app with a gateway
 *
 * It forks a worker that may change the network (gateway_worker.h), then becomes nobody and speaks to gateways
 * (gateway_session.h); either ends with the other, and PID 1 starts them again.
 *
 * Owns     GATEWAY_STATUS_DIR.
 * Wire     gateway_words.h on fd GATEWAY_WORDS_FD.
 */
#pragma once

/* Return: exit status. */
int gateway_run(void);
