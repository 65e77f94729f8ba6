/* SPDX-License-Identifier: Apache-2.0 */
/*
 * carrier: the ways vsock reaches us, as one
 *
 *	kernel   AF_VSOCK: one listener for all guests, a guest is its CID
 *	unix     bailey-vsock, or any program with the same convention: a path <uds> for each VM.  The guest's
 *		 connection to host port N arrives at the unix socket <uds>_N.  To reach guest port N:
 *		 connect to <uds>, write "CONNECT N\n", read "OK <n>\n", then it is the stream.
 *
 * Trusts   nothing that comes through: the answer to CONNECT has CARRIER_LINE_MAX bytes at most, and a
 *	    deadline.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <uv.h>

struct err;

enum {
	CARRIER_HOST_PORT = 10000, /* the host API */
	CARRIER_GUEST_PORT = 8000, /* the guest API */
	CARRIER_HOST_CID = 2,
	CARRIER_LINE_MAX = 32,
	CARRIER_PATH_MAX =
		104, /* of <uds>: "_10000" must fit behind it with the name it is bound aside */
};

/* Who is at the other end: decided by the socket it came by, never by what it says. */
struct carrier_peer {
	char vm_id[65];	     /* "": nobody we know */
	uint64_t generation; /* of the VM's boot */
};

/* Where a guest is. */
struct carrier_address {
	uint32_t cid; /* kernel, if uds is "" */
	char uds[CARRIER_PATH_MAX + 1];
};

/*
 * Listen where a guest's connections to host port @port arrive, on a unix carrier.  @mode: who may connect,
 * that is, the user the carrier runs as.  Return: fd or negative.
 */
int carrier_listen_unix(const char *uds, uint32_t port, mode_t mode, struct err *e);

/* The same for all guests of the kernel's vsock.  ERR_MISSING with a remedy where it has none. */
int carrier_listen_kernel(uint32_t port, struct err *e);

/*
 * Read "OK <n>\n" at the front of @n bytes.  Pure.
 *
 * Return: how many bytes it takes, 0 if more are needed, ERR_PROTO.
 */
ssize_t carrier_ok_line(const void *p, size_t n);

struct carrier_connect;

/* @fd is the callee's; -1 and @e if it did not come about. */
typedef void (*carrier_connected_fn)(void *arg, int fd, const struct err *e);

struct carrier_connect_options {
	uv_loop_t *loop;
	const struct carrier_address *address; /* borrowed until carrier_connect() returns */
	uint32_t port;			       /* of the guest */
	unsigned int timeout_ms;	       /* 0: 10000 */
};

/*
 * Connect to a guest's port.  @done runs once, on the loop, never before this returns, and not after
 * carrier_connect_cancel().
 */
int carrier_connect(struct carrier_connect **ret, const struct carrier_connect_options *o,
		    carrier_connected_fn done, void *arg, struct err *e);
void carrier_connect_cancel(struct carrier_connect *c);
