/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls_call: one HTTP request and its answer, waited for, by HTTPS with certificates, HTTP or a unix socket
 *
 * For guests and tools that show a certificate, or hold a server to a key: libcurl would bring two dozen
 * libraries into a guest's measured image.
 *
 * Trusts   nothing that is read: one deadline for all of it (names are looked up outside of it: by the resolver's
 *	    own time), the answer has a limit.  No redirects, no proxies.
 * Wire     HTTP/1.1, Connection: close.  A name that ends in .localhost is this machine (RFC 6761), whatever a resolver
 *	    says of it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;

enum tls_call_trust {
	TLS_CALL_CA, /* the server's chain leads to a certificate of @ca, and names the host */
	TLS_CALL_ROOT_KEY, /* the chain it sends ends in, or has, a CA certificate with this key; names the host */
	TLS_CALL_ANYBODY, /* whoever answers: the caller looks at the chain.  Say nothing secret by it */
};

/* All borrowed. */
struct tls_call_options {
	const char *method; /* "GET", "POST" */
	const char *url;    /* https://host[:port]/path, http://...; IPv6 in brackets */
	const char *
		unix_path; /* connect here instead, plain HTTP; the url's host is only the Host header.  NULL: none */
	const char *content_type; /* NULL: no such header */
	const char *bearer;	  /* a token; NULL: none.  Copies of it are wiped */
	const void *body;
	size_t n_body;
	enum tls_call_trust trust; /* of https */
	const char *ca;		   /* PEM, one or more */
	const void *root_key;	   /* SubjectPublicKeyInfo, DER */
	size_t n_root_key;
	const char *cert, *key;	 /* PEM: who we are (chain, leaf first); NULL: nobody */
	unsigned int timeout_ms; /* the whole call; 0: 60000 */
	unsigned int connect_ms; /* of it to connect to each address; 0: 5000 */
	size_t reply_max;	 /* 0: 10 MiB */
	/*
	 * https: called with the server's certificate, DER, once the trust above was found, and before anything is said
	 * to it; negative, with @e, ends the call.  NULL: not called.
	 */
	int (*on_server)(const void *cert, size_t n, void *arg, struct err *e);
	/* Called with each line of the answer's head, the first one too, without its end; negative ends the call. */
	int (*on_header)(const char *line, size_t n, void *arg);
	void *arg;
};

/* Answers that are allowed no more than this are never moved in memory while they come. */
enum { TLS_CALL_KEPT = 1024 * 1024 };

struct tls_call_answer {
	int status;
	char content_type[128];
	struct buf body;
	struct buf cert;  /* https: the server's own certificate, DER (crypto/ratls.h reads it) */
	struct buf chain; /* and all that it sent, PEM, leaf first */
};

/*
 * Return: 0 and *@ret, to be deinited by the caller (an error status is an answer); negative, and @e says
 * "https://h:p: ..." with what was wrong: a certificate that is not for h, not of whom we believe, out of its dates.
 */
int tls_call(const struct tls_call_options *o, struct tls_call_answer *ret, struct err *e);
/* Wipes the body: it may be keys. */
void tls_call_answer_deinit(struct tls_call_answer *a);
