/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent: what a key service asks the agent of the guest that it runs in
 *
 * Thread   any; both block, for AGENT_CLIENT_MS at most.
 * Wire     dstack's GetKey and Attest on a unix socket.
 */
#pragma once

#include <stdint.h>

struct buf;
struct err;
struct secret32;

enum { AGENT_ATTESTATION_MAX = 10 * 1024 * 1024 };

/* The guest's key of that path.  Return: 0; negative, and @e says which socket did not give it. */
int agent_key(const char *socket, const char *path, struct secret32 *ret, struct err *e);

/* An attestation of this guest with those report data; appended to @ret.  Return: 0 or negative. */
int agent_attest(const char *socket, const uint8_t report_data[static 64], struct buf *ret,
		 struct err *e);
