/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/openapi.h"

#include <string.h>

#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/version.h"
#include "daemon/api_service.h"
#include "daemon/guest_proxy.h"
#include "data/json.h"
#include "loop/http_server.h"
#include "rpc/rpc.h"

enum { PAGE_MAX = 1024 * 1024, REF_MAX = 160 };

static const struct {
	const struct rpc_service *service;
	const char *mount;
} services[] = { { &vmm_service, "/prpc/" }, { &guest_proxy_service, "/guest/" } };

/* What is not a service: for people who look for it. */
static const struct {
	const char *path, *type, *summary;
} pages[] = {
	{ "/logs", "text/plain", "A VM's log; id, follow, ansi, lines and ch in the query" },
	{ "/events", "application/x-ndjson",
	  "Events of a VM (id) or of all; follow and since in the query" },
	{ "/metrics", "text/plain", "Figures for Prometheus" },
	{ "/healthz", "application/json", "Can the daemon do its work?" },
	{ "/stats", "application/json",
	  "What the VMs and the host use; vms=none leaves the VMs out" },
	{ "/api-docs/openapi.json", "application/json", "This document" },
};

static json_t *ref_to(const ProtobufCMessageDescriptor *m)
{
	char text[REF_MAX];

	(void)str_format(text, sizeof(text), "#/components/schemas/%s", m->short_name);
	return json_pack("{s:s}", "$ref", text);
}

static json_t *number(const char *format, bool is_unsigned)
{
	json_t *j = json_pack("{s:s, s:s}", "type", "integer", "format", format);

	if (is_unsigned)
		(void)json_object_set_new(j, "minimum", json_integer(0));
	return j;
}

static json_t *scalar(const ProtobufCFieldDescriptor *f)
{
	/* NOLINTNEXTLINE(clang-diagnostic-switch-enum): what no .proto of ours has is a number */
	switch ((int)f->type) {
	case PROTOBUF_C_TYPE_MESSAGE:
		return ref_to(f->descriptor);
	case PROTOBUF_C_TYPE_STRING:
		return json_pack("{s:s}", "type", "string");
	case PROTOBUF_C_TYPE_BYTES:
		return json_pack("{s:s, s:s, s:s}", "type", "string", "pattern",
				 "^(0x)*([0-9a-fA-F]{2})*$", "description", "bytes in hex");
	case PROTOBUF_C_TYPE_BOOL:
		return json_pack("{s:s}", "type", "boolean");
	case PROTOBUF_C_TYPE_UINT32:
		return number("int32", true);
	case PROTOBUF_C_TYPE_UINT64:
		return number("int64", true);
	case PROTOBUF_C_TYPE_FLOAT:
	case PROTOBUF_C_TYPE_DOUBLE:
		return json_pack("{s:s}", "type", "number");
	case PROTOBUF_C_TYPE_INT64:
	case PROTOBUF_C_TYPE_SINT64:
		return number("int64", false);
	default:
		return number("int32", false);
	}
}

/* Absent is null: a message, or a field of proto3's optional. */
static bool may_be_null(const ProtobufCFieldDescriptor *f)
{
	return f->label != PROTOBUF_C_LABEL_REPEATED &&
	       (f->type == PROTOBUF_C_TYPE_MESSAGE || f->label == PROTOBUF_C_LABEL_OPTIONAL ||
		(f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF));
}

static json_t *property(const ProtobufCFieldDescriptor *f)
{
	json_t *j = scalar(f);

	if (f->label == PROTOBUF_C_LABEL_REPEATED)
		return json_pack("{s:s, s:o}", "type", "array", "items", j);
	if (!may_be_null(f))
		return j;
	/* nothing may stand beside a $ref in OpenAPI 3.0 */
	if (f->type == PROTOBUF_C_TYPE_MESSAGE)
		return json_pack("{s:b, s:[o]}", "nullable", 1, "allOf", j);
	(void)json_object_set_new(j, "nullable", json_true());
	return j;
}

/* Depth is that of our own .proto files; a message that is there already ends the way. */
/* NOLINTNEXTLINE(misc-no-recursion): over our own descriptors, never over a peer's bytes */
static void add_schema(json_t *schemas, const ProtobufCMessageDescriptor *m)
{
	json_t *properties, *j;
	unsigned int i;

	if (json_object_get(schemas, m->short_name))
		return;
	properties = json_object();
	j = json_pack("{s:s, s:o}", "type", "object", "properties", properties);
	(void)json_object_set_new(schemas, m->short_name, j);
	for (i = 0; i < m->n_fields; i++) {
		(void)json_object_set_new(properties, m->fields[i].name, property(&m->fields[i]));
		if (m->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
			add_schema(schemas, m->fields[i].descriptor);
	}
}

static json_t *content(const char *type, json_t *schema)
{
	return json_pack("{s:{s:o}}", type, "schema", schema);
}

static json_t *responses(const struct rpc_method *m)
{
	json_t *result = m->out->n_fields
				 ? ref_to(m->out)
				 : json_pack("{s:b, s:s}", "nullable", 1, "type", "object");
	json_t *all = json_pack("{s:{s:s, s:o}, s:{s:s, s:o}, s:{s:s}}", "200", "description",
				"done", "content", content("application/json", result), "400",
				"description", "it failed; the text says why", "content",
				content("application/json",
					json_pack("{s:s}", "$ref", "#/components/schemas/Failure")),
				"401", "description", "who calls is not known");

	if (m->changes)
		(void)json_object_set_new(
			all, "403", json_pack("{s:s}", "description", "who calls may only read"));
	return all;
}

/* GET takes what is no message out of the query. */
static json_t *parameters(const ProtobufCMessageDescriptor *m)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < m->n_fields; i++) {
		if (m->fields[i].type == PROTOBUF_C_TYPE_MESSAGE ||
		    m->fields[i].label == PROTOBUF_C_LABEL_REPEATED)
			continue;
		(void)json_array_append_new(list, json_pack("{s:s, s:s, s:o}", "name",
							    m->fields[i].name, "in", "query",
							    "schema", scalar(&m->fields[i])));
	}
	return list;
}

static json_t *operation(const struct rpc_service *s, const struct rpc_method *m, bool is_get)
{
	char id[REF_MAX];
	json_t *j;

	(void)str_format(id, sizeof(id), "%s_%s%s", s->name, m->name, is_get ? "_get" : "");
	j = json_pack("{s:s, s:[s], s:s, s:o}", "operationId", id, "tags", s->name, "summary",
		      m->changes ? "changes something; needs the role operate" : "changes nothing",
		      "responses", responses(m));
	if (is_get)
		(void)json_object_set_new(j, "parameters", parameters(m->in));
	else if (m->in->n_fields) {
		(void)json_object_set_new(
			j, "requestBody",
			json_pack("{s:o}", "content", content("application/json", ref_to(m->in))));
	}
	return j;
}

static void add_service(json_t *paths, json_t *schemas, const struct rpc_service *s,
			const char *mount)
{
	const struct rpc_method *m;
	char path[REF_MAX];
	json_t *item;

	for (m = s->methods; m < s->methods + s->n_methods; m++) {
		item = json_pack("{s:o}", "post", operation(s, m, false));
		if (!m->changes)
			(void)json_object_set_new(item, "get", operation(s, m, true));
		(void)str_format(path, sizeof(path), "%s%s", mount, m->name);
		(void)json_object_set_new(paths, path, item);
		add_schema(schemas, m->in);
		add_schema(schemas, m->out);
	}
}

static void add_pages(json_t *paths)
{
	size_t i;

	for (i = 0; i < sizeof(pages) / sizeof(*pages); i++) {
		(void)json_object_set_new(
			paths, pages[i].path,
			json_pack("{s:{s:s, s:{s:{s:s, s:o}}}}", "get", "summary", pages[i].summary,
				  "responses", "200", "description", "done", "content",
				  content(pages[i].type, json_pack("{s:s}", "type", "string"))));
	}
}

/* The one page that is posted to (console_compile.h). */
static void add_compile(json_t *paths)
{
	json_t *in = json_pack("{s:s, s:[s], s:{s:{s:s}, s:{s:s, s:{s:s}}, s:{s:s}}}", "type",
			       "object", "required", "yaml", "properties", "yaml", "type", "string",
			       "files", "type", "object", "additionalProperties", "type", "string",
			       "id", "type", "string");
	json_t *out =
		json_pack("{s:s, s:{s:{s:s}, s:{s:s, s:{s:s}}, s:{s:s, s:{s:s}}, s:{s:s}}}", "type",
			  "object", "properties", "ok", "type", "boolean", "errors", "type",
			  "array", "items", "type", "object", "warnings", "type", "array", "items",
			  "type", "object", "configuration", "type", "object");

	(void)json_object_set_new(
		paths, "/console/compile",
		json_pack("{s:{s:s, s:{s:o}, s:{s:{s:s, s:o}}}}", "post", "summary",
			  "What an app's YAML would become; changes nothing", "requestBody",
			  "content", content("application/json", in), "responses", "200",
			  "description", "done", "content", content("application/json", out)));
}

json_t *openapi_document(void)
{
	json_t *paths = json_object(), *schemas = json_object();
	size_t i;

	for (i = 0; i < sizeof(services) / sizeof(*services); i++)
		add_service(paths, schemas, services[i].service, services[i].mount);
	add_pages(paths);
	add_compile(paths);
	(void)json_object_set_new(schemas, "Failure",
				  json_pack("{s:s, s:{s:{s:s}}}", "type", "object", "properties",
					    "error", "type", "string"));
	return json_pack("{s:s, s:{s:s, s:s, s:s}, s:o, s:{s:o, s:{s:{s:s, s:s}, s:{s:s, s:s}, "
			 "s:{s:s, s:s, s:s}}}, "
			 "s:[{s:[]}, {s:[]}, {s:[]}]}",
			 "openapi", "3.0.3", "info", "title", "Bailey", "version", BAILEY_VERSION,
			 "description", "dstack's VMM calls, and Bailey's own", "paths", paths,
			 "components", "schemas", schemas, "securitySchemes", "bearer", "type",
			 "http", "scheme", "bearer", "basic", "type", "http", "scheme", "basic",
			 "token", "type", "apiKey", "in", "header", "name", "X-Admin-Token",
			 "security", "bearer", "basic", "token");
}

void openapi_serve_json(struct daemon *d, struct http_request *r)
{
	json_auto_t *j = openapi_document();
	auto_free char *text = json_pretty(j);

	(void)d;
	http_reply(r, 200, "application/json", text, strlen(text), NULL);
}

/* Names of protobuf are letters, digits and _: they need no escape. */
static void add_fields(struct buf *b, const char *what, const ProtobufCMessageDescriptor *m)
{
	unsigned int i;

	(void)buf_addf(b, "<dt>%s: %s</dt><dd>", what, m->n_fields ? m->short_name : "nothing");
	for (i = 0; i < m->n_fields; i++)
		(void)buf_addf(b, "%s%s%s", i ? ", " : "", m->fields[i].name,
			       m->fields[i].label == PROTOBUF_C_LABEL_REPEATED ? "[]" : "");
	(void)buf_add_str(b, "</dd>");
}

void openapi_serve_page(struct daemon *d, struct http_request *r)
{
	auto_buf struct buf b = BUF_MAX(PAGE_MAX);
	const struct rpc_method *m;
	size_t i;

	(void)d;
	(void)buf_add_str(&b, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">"
			      "<title>Bailey: calls</title></head><body><h1>Calls</h1>"
			      "<p>For programs: <a href=\"openapi.json\">openapi.json</a></p>");
	for (i = 0; i < sizeof(services) / sizeof(*services); i++) {
		for (m = services[i].service->methods;
		     m < services[i].service->methods + services[i].service->n_methods; m++) {
			(void)buf_addf(&b, "<h2>%s %s%s</h2><dl>",
				       m->changes ? "POST" : "GET, POST", services[i].mount,
				       m->name);
			add_fields(&b, "takes", m->in);
			add_fields(&b, "gives", m->out);
			(void)buf_add_str(&b, "</dl>");
		}
	}
	(void)buf_add_str(&b, "<h1>Pages</h1><dl>");
	for (i = 0; i < sizeof(pages) / sizeof(*pages); i++)
		(void)buf_addf(&b, "<dt>GET %s</dt><dd>%s</dd>", pages[i].path, pages[i].summary);
	(void)buf_add_str(&b, "<dt>POST /console/compile</dt><dd>What an app's YAML would become"
			      "</dd></dl></body></html>\n");
	http_reply(r, 200, "text/html; charset=utf-8", b.p, b.n, NULL);
}
