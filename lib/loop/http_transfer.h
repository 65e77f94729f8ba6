/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http_transfer: one request as a handle of libcurl
 *
 * No signals, no redirects, no proxies that were not asked for, http and https only, no connection kept for later.
 */
#pragma once

#include <stdbool.h>

#include <curl/curl.h>

#include "base/buf.h"

struct err;
struct http_call_options;
struct http_answer;

struct http_transfer {
	CURL *curl;
	struct curl_slist *headers;
	struct buf body;
	uint64_t begun_ms;
	unsigned int timeout_ms;
	size_t n_head;
	bool is_over_limit, is_head_over_limit, has_begun;
	int (*on_body)(const void *p, size_t n, void *arg);
	int (*on_header)(const char *line, size_t n, void *arg);
	void *arg;
	struct buf *certificate; /* the caller's */
	char *name;		 /* "POST http://host/path" */
	char why[CURL_ERROR_SIZE];
};

int http_transfer_new(struct http_transfer **ret, const struct http_call_options *o, struct err *e);

/* What came of it: fill @ret (its body moves there), or say why there is no answer. */
int http_transfer_result(struct http_transfer *t, CURLcode code, struct http_answer *ret,
			 struct err *e);

void *http_transfer_free(struct http_transfer *t);
