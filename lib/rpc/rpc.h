/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpc: one table per service; no transport in it
 *
 * Wire     dstack's prpc: POST or GET <mount>/<Method>, JSON or protobuf, every failure HTTP 400
 *          with {"error": "..."} (JSON) or message { string message = 1; } (protobuf).  Ours: GET of a
 *          method that changes something is 405, a caller that may only read gets 403 for it.
 * Thread   the loop's.  A handler may answer at once or later; it answers exactly once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

struct err;
struct rpc_call;

/* Who calls: decided by the transport, never by what a message says. */
enum rpc_peer_kind {
	RPC_PEER_OPERATOR, /* unix socket; uid is the kernel's word (SO_PEERCRED) */
	RPC_PEER_GUEST,	   /* vsock; vm_id is of the VM whose socket or CID it came by */
	RPC_PEER_HOST,	   /* in a guest: the host, over vsock */
	RPC_PEER_ANYONE,   /* TCP without authentication */
	RPC_PEER_TOKEN,	   /* TCP with a token or a password; name is whose */
	RPC_PEER_KIND_COUNT,
};

struct rpc_peer {
	enum rpc_peer_kind kind;
	uint32_t uid;
	bool is_reader;	     /* may only call what changes nothing */
	uint64_t generation; /* boot generation of the VM */
	char vm_id[65];
	char name[65]; /* for people: of a token or a user */
};

/* How a call went: for metrics and an audit log.  All borrowed. */
struct rpc_outcome {
	const struct rpc_method *method; /* NULL: there is none of that name */
	const struct rpc_peer *peer;
	const char *
		subject; /* the id, tag or name that the call was about; "": none; the caller's bytes */
	const char *error; /* NULL: it succeeded */
	int status;
	uint64_t us; /* from the whole request to the answer */
};

/* Answer later or now with rpc_reply() or rpc_fail().  @in is borrowed until the handler returns. */
typedef void (*rpc_handler_fn)(struct rpc_call *call, void *ctx, const ProtobufCMessage *in);

struct rpc_method {
	const char *name;
	const ProtobufCMessageDescriptor *in, *out;
	rpc_handler_fn run;
	bool changes;	 /* false: a pure read */
	size_t body_max; /* 0: RPC_BODY_MAX; the transport's own limit comes first */
};

struct rpc_service {
	const char *name;  /* "Vmm" */
	const char *strip; /* prefix removed repeatedly from the method ("Teepod."); or NULL */
	const struct rpc_method *methods;
	size_t n_methods;
	void (*observe)(void *ctx, const struct rpc_outcome *o); /* after each call; NULL: nobody */
	bool is_secret; /* its answers may hold keys: what they were written into is wiped */
};

enum { RPC_BODY_MAX = 10 * 1024 * 1024 };

enum rpc_encoding { RPC_JSON, RPC_PROTOBUF };

/* What came in.  All borrowed until rpc_dispatch() returns. */
struct rpc_request {
	const char *method;	  /* as in the path, after the mount */
	bool is_get;		  /* then arguments come from the query */
	const char *query;	  /* raw, without '?'; may be NULL */
	const char *content_type; /* may be NULL */
	const void *body;
	size_t n_body;
};

/* The answer.  Runs once, on the loop, maybe before rpc_dispatch() returns.  @body is borrowed. */
typedef void (*rpc_done_fn)(void *arg, int http_status, const char *content_type, const void *body,
			    size_t n);

/* The message for a body over the limit, of the transport's or of the method's. */
#define RPC_TOO_LARGE "failed to read data: payload too large"

/* JSON if GET, or query has json (empty, 1, true), or content type is application/json. */
enum rpc_encoding rpc_encoding_of(const struct rpc_request *r);

/*
 * Find the method, decode its arguments, run its handler.  Arguments of type Empty are not looked at.
 * Failures of rpc's own: "Service not found: <Method>", RPC_TOO_LARGE, arguments that do not decode.
 */
void rpc_dispatch(const struct rpc_service *s, void *ctx, const struct rpc_peer *peer,
		  const struct rpc_request *r, rpc_done_fn done, void *arg);

/*
 * The failure answer for something that went wrong before dispatch.  As in dstack, it is JSON only
 * for GET and ?json: the content type is not asked.
 */
void rpc_refuse(const struct rpc_request *r, const char *message, rpc_done_fn done, void *arg);

/* The same for a caller who may not call, in the encoding that it asked for. */
void rpc_refuse_caller(const struct rpc_request *r, int status, const char *message,
		       rpc_done_fn done, void *arg);

const struct rpc_peer *rpc_peer(const struct rpc_call *c);

/* What the answer will be, for who has it ready (struct proto_ready). */
enum rpc_encoding rpc_call_encoding(const struct rpc_call *c);

/* Exactly one of these, once; @c is gone after.  @out is borrowed. */
void rpc_reply(struct rpc_call *c, const ProtobufCMessage *out);
void rpc_fail(struct rpc_call *c, const struct err *e);

/* Is each row of the table a method of the .proto's service, with its types?  For tests. */
int rpc_check(const struct rpc_service *s, const ProtobufCServiceDescriptor *d, struct err *e);
