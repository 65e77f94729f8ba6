/* SPDX-License-Identifier: Apache-2.0 */
#include "rpc/rpc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/secret.h"
#include "base/str.h"
#include "data/json.h"
#include "data/proto.h"
#include "proto/common.pb-c.h"

enum {
	STATUS_OK = 200,
	STATUS_FAILED = 400, /* dstack knows no other */
	STATUS_FORBIDDEN = 403,
	STATUS_NOT_BY_GET = 405,
	REPLY_MAX = 256 * 1024 * 1024,
	SECRET_REPLY_MAX = 64 * 1024,
	NAME_SHOWN = 80,
	SUBJECT_MAX = 96,
};

static const char type_json[] = "application/json";
static const char type_protobuf[] = "application/octet-stream";

struct rpc_call {
	const struct rpc_service *service;
	const struct rpc_method *method; /* NULL until it is found */
	struct rpc_peer peer;
	enum rpc_encoding encoding;
	char subject[SUBJECT_MAX];
	uint64_t begun_us;
	void *ctx;
	rpc_done_fn done;
	void *arg;
};

static uint64_t now_us(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* cannot fail */
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* What a message is about, if it says so; a longer text is left out. */
static void find_subject(const ProtobufCMessage *m, char *ret)
{
	static const char *const names[] = { "id", "tag", "name", "instance_id" };
	const ProtobufCFieldDescriptor *f;
	const char *const *text;
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		f = protobuf_c_message_descriptor_get_field_by_name(m->descriptor, names[i]);
		if (!f || f->type != PROTOBUF_C_TYPE_STRING || f->label != PROTOBUF_C_LABEL_NONE)
			continue;
		text = (const char *const *)(const void *)((const char *)m + f->offset);
		if (*text)
			(void)str_copy(ret, SUBJECT_MAX, *text);
		return;
	}
}

static void observe(const struct rpc_call *c, int status, const char *error)
{
	const struct rpc_outcome o = {
		.method = c->method,
		.peer = &c->peer,
		.subject = c->subject,
		.error = error,
		.status = status,
		.us = now_us() - c->begun_us,
	};

	if (c->service->observe)
		c->service->observe(c->ctx, &o);
}

/* Is there json, json=, json=1 or json=true among the pairs? */
static bool query_wants_json(const char *query)
{
	static const char *const spelled[] = { "json", "json=", "json=1", "json=true" };
	size_t n, i;

	while (query && *query) {
		n = strcspn(query, "&");
		for (i = 0; i < sizeof(spelled) / sizeof(spelled[0]); i++) {
			if (n == strlen(spelled[i]) && memcmp(query, spelled[i], n) == 0)
				return true;
		}
		query += n + (query[n] == '&');
	}
	return false;
}

/* The type without its parameters. */
static bool is_json_type(const char *content_type)
{
	size_t n = content_type ? strcspn(content_type, "; \t") : 0;

	return n == sizeof(type_json) - 1 && strncasecmp(content_type, type_json, n) == 0;
}

enum rpc_encoding rpc_encoding_of(const struct rpc_request *r)
{
	return r->is_get || query_wants_json(r->query) || is_json_type(r->content_type)
		       ? RPC_JSON
		       : RPC_PROTOBUF;
}

static void answer_failure(enum rpc_encoding encoding, int status, const char *message,
			   rpc_done_fn done, void *arg)
{
	auto_free char *text = NULL, *copy = NULL;
	auto_buf struct buf out = BUF_MAX(REPLY_MAX);
	Bailey__Error m = BAILEY__ERROR__INIT;
	json_auto_t *shown = json_text(message), *o = json_pack("{s:O}", "error", shown);

	if (encoding == RPC_JSON) {
		text = json_pretty_ascii(o);
		done(arg, status, type_json, text, strlen(text));
		return;
	}
	copy = xstrdup(json_string_value(shown));
	m.message = copy;
	if (proto_to_bytes(&m.base, &out) < 0)
		abort(); /* a few hundred bytes */
	done(arg, status, type_protobuf, out.p, out.n);
}

void rpc_refuse(const struct rpc_request *r, const char *message, rpc_done_fn done, void *arg)
{
	bool wants_json = r->is_get || query_wants_json(r->query);

	answer_failure(wants_json ? RPC_JSON : RPC_PROTOBUF, STATUS_FAILED, message, done, arg);
}

void rpc_refuse_caller(const struct rpc_request *r, int status, const char *message,
		       rpc_done_fn done, void *arg)
{
	answer_failure(rpc_encoding_of(r), status, message, done, arg);
}

static void fail(struct rpc_call *c, int status, const struct err *e)
{
	log_debug("rpc %s.%s: %s", c->service->name, c->method ? c->method->name : "?", e->text);
	observe(c, status, e->text);
	answer_failure(c->encoding, status, e->text, c->done, c->arg);
	free(c);
}

void rpc_fail(struct rpc_call *c, const struct err *e)
{
	fail(c, STATUS_FAILED, e);
}

/* Of an answer with keys, with room for all of it from the beginning: a buffer that grows leaves its bytes behind. */
static struct buf room_for(const struct rpc_call *c)
{
	struct buf b = BUF_MAX(REPLY_MAX);

	if (c->service->is_secret && secret_buf_init(&b, SECRET_REPLY_MAX) < 0)
		abort(); /* out of memory */
	return b;
}

void rpc_reply(struct rpc_call *c, const ProtobufCMessage *out)
{
	struct buf bytes = room_for(c);
	bool is_secret = c->service->is_secret;
	bool is_json = c->encoding == RPC_JSON;
	struct err e = ERR_NONE;

	assert(out->descriptor == c->method->out);
	if (c->service->observe &&
	    !protobuf_c_message_descriptor_get_field_by_name(c->method->in, "id"))
		find_subject(out, c->subject); /* what was made */
	if (is_json ? proto_to_json(out, &bytes) : proto_to_bytes(out, &bytes)) {
		(void)err_set(&e, ERR_LIMIT, "the answer is too large");
		rpc_fail(c, &e);
	} else {
		observe(c, STATUS_OK, NULL);
		c->done(c->arg, STATUS_OK, is_json ? type_json : type_protobuf, bytes.p, bytes.n);
		free(c);
	}
	if (is_secret)
		secret_buf_deinit(&bytes);
	else
		buf_deinit(&bytes);
}

const struct rpc_peer *rpc_peer(const struct rpc_call *c)
{
	return &c->peer;
}

enum rpc_encoding rpc_call_encoding(const struct rpc_call *c)
{
	return c->encoding;
}

static const struct rpc_method *find(const struct rpc_service *s, const char *name, struct err *e)
{
	char shown[NAME_SHOWN];
	size_t i;

	while (s->strip && s->strip[0] && str_starts(name, s->strip))
		name += strlen(s->strip);
	for (i = 0; i < s->n_methods; i++) {
		if (str_equal(s->methods[i].name, name))
			return &s->methods[i];
	}
	(void)err_set(e, ERR_NOT_FOUND, "Service not found: %s",
		      str_escape(shown, sizeof(shown), name, strlen(name)));
	return NULL;
}

static int read_arguments(const struct rpc_method *m, enum rpc_encoding encoding,
			  const struct rpc_request *r, ProtobufCMessage **ret, struct err *e)
{
	size_t max = m->body_max ? m->body_max : RPC_BODY_MAX;
	json_auto_t *j = NULL;
	int rc = 0;

	if (r->n_body > max)
		return err_set(e, ERR_LIMIT, "%s", RPC_TOO_LARGE);
	if (m->in->n_fields == 0 || (r->n_body == 0 && !r->is_get))
		return proto_from_json(m->in, NULL, ret, e);
	if (r->is_get)
		return proto_from_query(m->in, r->query, ret, e);
	if (encoding == RPC_PROTOBUF)
		return proto_from_bytes(m->in, r->body, r->n_body, ret, e);
	rc = json_parse(r->body, r->n_body, max, "request", &j, e);
	return rc < 0 ? rc : proto_from_json(m->in, j, ret, e);
}

/* What a browser sends by itself, for an image or a link, is GET: it must not change anything. */
static int check_caller(const struct rpc_call *c, const struct rpc_request *r, struct err *e)
{
	const char *name = c->method->name;

	if (!c->method->changes)
		return STATUS_OK;
	if (r->is_get) {
		(void)err_set(e, ERR_INPUT, "%s changes something; call it with POST", name);
		return STATUS_NOT_BY_GET;
	}
	if (c->peer.is_reader) {
		(void)err_set(e, ERR_BAD_STATE, "%s may only read; %s needs the role operate",
			      *c->peer.name ? c->peer.name : "this caller", name);
		return STATUS_FORBIDDEN;
	}
	return STATUS_OK;
}

void rpc_dispatch(const struct rpc_service *s, void *ctx, const struct rpc_peer *peer,
		  const struct rpc_request *r, rpc_done_fn done, void *arg)
{
	struct rpc_call *c = xnew(struct rpc_call);
	ProtobufCMessage *in = NULL;
	struct err e = ERR_NONE;
	int status;

	c->service = s;
	c->ctx = ctx;
	c->begun_us = now_us();
	c->peer = *peer;
	c->encoding = rpc_encoding_of(r);
	c->done = done;
	c->arg = arg;
	c->method = find(s, r->method, &e);
	status = c->method ? check_caller(c, r, &e) : STATUS_FAILED;
	if (status == STATUS_OK && read_arguments(c->method, c->encoding, r, &in, &e) < 0)
		status = STATUS_FAILED;
	if (status != STATUS_OK) {
		fail(c, status, &e);
		return;
	}
	if (s->observe)
		find_subject(in, c->subject);
	c->method->run(c, ctx, in); /* c may be gone after */
	protobuf_c_message_free_unpacked(in, NULL);
}

int rpc_check(const struct rpc_service *s, const ProtobufCServiceDescriptor *d, struct err *e)
{
	const ProtobufCMethodDescriptor *m;
	size_t i;

	for (i = 0; i < s->n_methods; i++) {
		m = protobuf_c_service_descriptor_get_method_by_name(d, s->methods[i].name);
		if (!m || m->input != s->methods[i].in || m->output != s->methods[i].out)
			return err_set(e, ERR_INPUT, "%s.%s is not in %s with these types", s->name,
				       s->methods[i].name, d->name);
		if (!s->methods[i].run)
			return err_set(e, ERR_INPUT, "%s.%s has no handler", s->name,
				       s->methods[i].name);
	}
	return 0;
}
