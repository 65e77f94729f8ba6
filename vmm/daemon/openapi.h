/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openapi: GET /api-docs/openapi.json and /api-docs/docs: every call, out of the tables that serve them
 *
 * Nothing here is written by hand but the pages beside the services: a method or a field that is added to a
 * .proto and to its service is in the document.
 */
#pragma once

#include <jansson.h>

struct daemon;
struct http_request;

/* OpenAPI 3.0.3; the caller owns it. */
json_t *openapi_document(void);

void openapi_serve_json(struct daemon *d, struct http_request *r);

/* The same for people, in plain HTML. */
void openapi_serve_page(struct daemon *d, struct http_request *r);
