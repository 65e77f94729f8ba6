/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway_worker: the process that may change the network, for the one that speaks to gateways
 *
 * It has CAP_NET_ADMIN and nothing else; it reads no byte of a network, but questions of fixed size, each of which it
 * answers.
 *
 * Trusts   who asks with nothing: what may be is asked again (gateway_iface_check()).
 * Limits   an answer has GATEWAY_WORKER_MS.
 * Wire     SOCK_SEQPACKET: struct gateway_question, then struct gateway_told; both ends are the same program.
 */
#pragma once

#include <stdint.h>

#include "guest-stub/gateway_iface.h"

struct err;

enum {
	GATEWAY_WORKER_MS = 120000,
	GATEWAY_WORKER_TEXT = 400,
};

enum gateway_ask {
	GATEWAY_ASK_OPEN,  /* make the interface, tell our public key */
	GATEWAY_ASK_SET,   /* it is to be @tunnel */
	GATEWAY_ASK_LOOK,  /* how are the peers?  Then send each an echo */
	GATEWAY_ASK_RENEW, /* begin a new session with the peer @key */
	GATEWAY_ASK_COUNT,
};

struct gateway_question {
	uint32_t ask;
	struct gateway_tunnel tunnel;
	uint8_t key[GATEWAY_KEY];
};

struct gateway_told {
	int32_t code; /* 0, or negative and @text says why */
	char text[GATEWAY_WORKER_TEXT];
	uint8_t key[GATEWAY_KEY]; /* of ASK_OPEN */
	uint32_t n;		  /* of ASK_LOOK */
	struct gateway_seen peers[GATEWAY_SERVERS_MAX];
};

/* What answers; tests have their own. */
struct gateway_worker_ops {
	struct gateway_iface_ops iface;
	void (*echo)(void *arg, uint32_t address); /* send one */
};

/* Answer on @fd until the other end closes. */
void gateway_worker_serve(int fd, const struct gateway_worker_ops *ops);

/* Fork it, with its own rights.  Return: the fd to ask on; negative. */
int gateway_worker_start(struct err *e);

/* Return: 0; what the worker said; -EPIPE when it is gone. */
int gateway_worker_ask(int fd, const struct gateway_question *q, struct gateway_told *ret,
		       struct err *e);
