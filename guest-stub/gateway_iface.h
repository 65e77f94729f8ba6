/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gateway_iface: the WireGuard interface to gateways, made and changed with the programs ip(8) and wg(8)
 *
 * One peer at a time, so that a tunnel that did not change is not touched.  The private key is in the kernel and here,
 * in no file: who is started again takes it from the interface.
 *
 * Owns     the interface GATEWAY_IFACE: its address, peers, and the routes to their addresses.
 * Trusts   nothing of who says what it is to be: gateway_iface_check() is asked again.  What reaches an argv was
 *	    written here, out of numbers.
 * Limits   GATEWAY_SERVERS_MAX peers; a program has GATEWAY_RUN_MS.
 * Thread   any; it blocks.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/secret.h"
#include "guest-stub/gateway_answer.h"

struct buf;
struct err;

#define GATEWAY_IFACE "dstack-wg0"

enum {
	GATEWAY_PORT = 9182, /* dstack's: what we send from */
	GATEWAY_RUN_MS = 20000,
	GATEWAY_NETS_MAX = 64,
	GATEWAY_ARGV_MAX = 16,
	GATEWAY_DUMP_MAX = 64 * 1024,
};

/* A peer, all of it numbers. */
struct gateway_peer {
	uint8_t key[GATEWAY_KEY];
	uint32_t address; /* in the tunnel: IPv4, host order */
	uint8_t ip[16];	  /* where its packets go: 4 bytes, or 16 */
	uint8_t n_ip;
	uint16_t port;
};

/* What the interface is to be. */
struct gateway_tunnel {
	uint32_t client;
	uint32_t n;
	struct gateway_peer peers[GATEWAY_SERVERS_MAX];
};

/* A peer as the kernel has it. */
struct gateway_seen {
	uint8_t key[GATEWAY_KEY];
	uint32_t address;	 /* 0: none */
	uint64_t handshake;	 /* seconds since 1970; 0: never */
	uint64_t received, sent; /* bytes */
};

struct gateway_dump {
	bool has_key;
	struct secret32 key;
	size_t n;
	struct gateway_seen peers[GATEWAY_SERVERS_MAX];
};

/* A network of another interface. */
struct gateway_net {
	uint32_t address, mask;
};

/* What it stands on; tests have their own. */
struct gateway_iface_ops {
	/* Run a program to its end.  Return: 0 if it exited with 0. */
	int (*run)(void *arg, const char *const *argv, const void *input, size_t n_input,
		   struct buf *ret_out, struct err *e);
	/* IPv4 networks of the other interfaces.  Return: how many. */
	size_t (*nets)(void *arg, struct gateway_net *ret, size_t most);
	void *arg;
};

struct gateway_iface {
	struct gateway_iface_ops ops;
	struct secret32 key;
	uint32_t client; /* 0: it has no address of ours yet */
	size_t n;
	struct gateway_peer peers[GATEWAY_SERVERS_MAX]; /* as they were set */
};

/* Make it, or take over what is there.  Return: 0 and our public key; ERR_MISSING if there is no WireGuard. */
int gateway_iface_open(struct gateway_iface *f, const struct gateway_iface_ops *ops,
		       uint8_t ret_public[static GATEWAY_KEY], struct err *e);

/* Wipe the key; the interface stays. */
void gateway_iface_deinit(struct gateway_iface *f);

/* Return: 0; ERR_PROTO for a tunnel that may not be; what a program said.  After a failure it can be set again. */
int gateway_iface_set(struct gateway_iface *f, const struct gateway_tunnel *want, struct err *e);

/* The peers as they are. */
int gateway_iface_look(const struct gateway_iface *f, struct gateway_dump *ret, struct err *e);

/* Forget the session with a peer and begin another: who was restarted does not know of ours. */
int gateway_iface_renew(struct gateway_iface *f, const uint8_t key[static GATEWAY_KEY],
			struct err *e);

/*
 * Pure: may it be?  Addresses are of private networks and of none that another interface is in, as packets for those
 * would go astray.  Return: 0 or ERR_PROTO.
 */
int gateway_iface_check(const struct gateway_tunnel *t, const struct gateway_net *nets,
			size_t n_nets, struct err *e);

/* Pure: what `wg show IFACE dump` prints.  Wipe ret->key.  Return: 0, ERR_CORRUPT, ERR_LIMIT. */
int gateway_iface_read_dump(const char *text, size_t n, struct gateway_dump *ret, struct err *e);
