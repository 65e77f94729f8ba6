/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_gate: one client's TLS, between the bytes that came and the bytes that are to go
 *
 * It does no I/O: the loop reads what a socket has into one place and writes one place out, for all connections, so a
 * connection that waits holds no buffer, and many records become one write.
 *
 * Owns     an SSL object.  Borrows the wire, which all connections of a thread share: it is set up before each call.
 * Thread   the wire's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct ssl_st;
struct tls_site;

struct tls_wire {
	const uint8_t *in; /* ciphertext that came; what was taken is cut off the front */
	size_t n_in;
	uint8_t *out; /* ciphertext to go is added behind */
	size_t n_out, out_max;
};

enum tls_gate_step {
	TLS_GATE_MORE,	 /* all that came was taken; more must come */
	TLS_GATE_DONE,	 /* the handshake: it is over */
	TLS_GATE_CLOSED, /* reading: the client said close_notify */
	TLS_GATE_BROKEN, /* an alert may be on the wire */
};

/* NULL: no memory. */
struct ssl_st *tls_gate_new(const struct tls_site *site, bool is_h2, struct tls_wire *wire);
void tls_gate_free(struct ssl_st *ssl);

enum tls_gate_step tls_gate_handshake(struct ssl_st *ssl);

/* Decrypt into @p.  Return: bytes, if any; else 0 and *@ret says why. */
size_t tls_gate_read(struct ssl_st *ssl, void *p, size_t n, enum tls_gate_step *ret);

/* Encrypt all of @p: the wire has room (n + 64 for each 16 KiB begun).  Return: did it? */
bool tls_gate_write(struct ssl_st *ssl, const void *p, size_t n);

/* Put close_notify on the wire, once. */
void tls_gate_close(struct ssl_st *ssl);

/* Is the client done with the handshake, and reads nothing more before it speaks (TLS 1.3)?  Then tickets can wait. */
bool tls_gate_may_hold(const struct ssl_st *ssl);

bool tls_gate_is_resumed(const struct ssl_st *ssl);
bool tls_gate_is_13(const struct ssl_st *ssl);
bool tls_gate_is_h2(const struct ssl_st *ssl);

/* Why the last step was broken, for the log: a name of OpenSSL's, static; forgets it. */
const char *tls_gate_why(void);

/* Bytes of a fatal alert as a record, for who is refused before TLS stands. */
enum { TLS_GATE_ALERT_SIZE = 7 };
void tls_gate_alert(uint8_t alert, uint8_t ret[static TLS_GATE_ALERT_SIZE]);
