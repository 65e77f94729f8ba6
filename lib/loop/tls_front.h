/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_front: TLS 1.2 and 1.3 in front of whatever takes a connected socket
 *
 * For each client that has finished its handshake one end of a socket pair is handed out, on which its bytes are
 * read and answers written as plain text: http_server_add() takes it, and tells its handlers who the client
 * is by http_request_peer(), a struct tls_peer.
 *
 * Handlers find the client's address in the struct tls_peer: http_request_from() is that of the pair.
 *
 * Owns     the listening fds given to it, its clients' sockets and its end of each pair.
 * Trusts   nothing it reads.  A client's certificate may be missing; one that is sent must lead to the given CA
 *	    within its dates (and be meant for clients, if it says for what), else the handshake fails.
 * Limits   those of the options; of each client 2 * 16 KiB of bytes on their way, and OpenSSL's some
 *	    100 KiB.  A handshake has one deadline; a connection without a byte in either direction one of idleness.
 * Thread   the loop's.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <uv.h>

struct err;
struct tls_front;

/* Who a client is.  Of tls_peer_size() bytes, so that it can be copied whole. */
struct tls_peer {
	struct sockaddr_storage from; /* its address */
	char server_name[256];	      /* whom it asked for (SNI); "" if nobody */
	size_t n_cert;
	uint8_t cert[]; /* its certificate, DER, whose chain was verified; n_cert 0: it has none */
};

static inline size_t tls_peer_size(const struct tls_peer *p)
{
	return sizeof(*p) + p->n_cert;
}

struct tls_front_options {
	const char *chain, *key; /* PEM; copied */
	const char *
		client_ca; /* PEM: clients may show a certificate of these; NULL: none is asked for */
	/* at once, 0: 256; beyond, who has asked for nothing for the longest gives up its place, if there is one */
	unsigned int conns_max;
	unsigned int ip_conns_max; /* of one address (IPv6: of one /64); 0: no limit */
	unsigned int handshake_ms; /* 0: 5000 */
	unsigned int idle_ms;	   /* 0: 60000 */
	/*
	 * A client is there: take @fd over in every case (connected, not blocking, close-on-exec).  @p is borrowed.
	 * tls_front_stop() may be called in it.
	 */
	void (*on_client)(int fd, const struct tls_peer *p, void *arg);
	void *arg;
};

/* Return: 0; ERR_INPUT for certificates and keys that cannot be used. */
int tls_front_start(struct tls_front **ret, uv_loop_t *loop, const struct tls_front_options *o,
		    struct err *e);

/* Accept on @fd (bound and listening stream socket; taken over in every case). */
int tls_front_listen(struct tls_front *f, int fd, struct err *e);

/* Serve a connected stream socket @fd (taken over in every case). */
int tls_front_add(struct tls_front *f, int fd, struct err *e);

/* Another certificate, key and CA from the next handshake on; connections go on.  On failure the old ones stay. */
int tls_front_swap(struct tls_front *f, const char *chain, const char *key, const char *client_ca,
		   struct err *e);

/* Stop to accept and drop every connection; @done runs once from the loop.  NULL is allowed for both. */
void tls_front_stop(struct tls_front *f, void (*done)(void *arg), void *arg);

/* For metrics: connections now; handshakes that were finished, that failed or took too long; clients over a limit. */
struct tls_front_counts {
	unsigned int conns, handshaking;
	uint64_t accepted, done, failed, late, refused;
};
void tls_front_count(const struct tls_front *f, struct tls_front_counts *ret);
