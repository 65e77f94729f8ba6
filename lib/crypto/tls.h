/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls: TLS 1.2 and 1.3 on a connected socket that is not blocking
 *
 * A step does as much as the socket allows and says for what to wait; who waits (a loop, or poll()) is not
 * known here.
 *
 * Owns     contexts (keys, certificates, whom to believe) and connections; the fd stays the caller's.
 * Trusts   nothing that is read.  No renegotiation, no compression, no session is kept or resumed.
 * Limits   TLS_CHAIN_MAX certificates, TLS_CERTS_MAX bytes of them; some 100 KiB of memory a connection.
 * Thread   a context may be shared by threads (reference counted); a connection belongs to one.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;
struct err;
struct tls_ctx;
struct tls;

enum {
	TLS_CHAIN_MAX = 8,
	TLS_CERTS_MAX = 256 * 1024, /* of a peer's chain */
	TLS_NAME_MAX = 253,
};

enum tls_trust {
	TLS_TRUST_NOBODY, /* a peer's certificate is not asked for (server) */
	TLS_TRUST_CA, /* it must lead to a certificate of @ca; a server's client may have none */
	TLS_TRUST_ROOT_KEY, /* client: the chain that the server sent ends in, or has, a CA with this key, and leads there */
	TLS_TRUST_ANYBODY, /* whatever it is: the caller looks at it */
};

/* All borrowed and copied. */
struct tls_ctx_options {
	bool is_server;
	const char *chain; /* PEM, leaf first; NULL: none (client) */
	const char *key;   /* PEM, PKCS#8 or SEC1; wiped in here after */
	enum tls_trust trust;
	const char *ca;	      /* PEM, one or more */
	const void *root_key; /* SubjectPublicKeyInfo, DER */
	size_t n_root_key;
};

/* Return: 0 and *@ret; ERR_INPUT says what is wrong with which. */
int tls_ctx_new(const struct tls_ctx_options *o, struct tls_ctx **ret, struct err *e);
struct tls_ctx *tls_ctx_ref(struct tls_ctx *c);
void tls_ctx_unref(struct tls_ctx *c);

/*
 * @name: whom a client means to reach, a host name or an IP address, sent as SNI if a name; NULL for a server.
 * Return: NULL for a name that is none.
 */
struct tls *tls_new(struct tls_ctx *c, int fd, const char *name);
void tls_free(struct tls *t);

/* What a step came to.  Bytes moved are positive. */
enum {
	TLS_WANT_READ = -3000,	/* wait until the socket can be read */
	TLS_WANT_WRITE = -3001, /* or written */
};

/* Return: 0 when it is done; TLS_WANT_...; negative, and @e says why (also what is wrong with a certificate). */
int tls_handshake(struct tls *t, struct err *e);

/* Return: bytes; 0: the peer has ended its side (close_notify, or the end of its stream); TLS_WANT_...; negative. */
ssize_t tls_read(struct tls *t, void *p, size_t n, struct err *e);

/* After TLS_WANT_... the same bytes, or more that begin with them, must come again. */
ssize_t tls_write(struct tls *t, const void *p, size_t n, struct err *e);

/* Say close_notify: nothing is written after.  Reading goes on.  Return: 0; TLS_WANT_WRITE; negative. */
int tls_end(struct tls *t, struct err *e);

/* Did the last tls_read() that gave 0 see close_notify?  If not, bytes may have been cut off. */
bool tls_is_ended(const struct tls *t);

/* Are there bytes that tls_read() gives without the socket? */
bool tls_has_pending(const struct tls *t);

/* After the handshake: the peer's certificate in DER, the caller's; 0 bytes if it sent none. */
int tls_peer_cert(const struct tls *t, struct buf *ret);

/* All that the peer sent, leaf first, as PEM. */
int tls_peer_chain(const struct tls *t, struct buf *ret, struct err *e);

/* The name that the client asked for; "" if none. */
const char *tls_server_name(const struct tls *t);
