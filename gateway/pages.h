/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages: what clients get from the gateway itself, over HTTP/1.1: its built-in names, and why an app was not reached
 *
 * Pure: a request's bytes in, an answer's bytes out.  Each answer ends the connection.
 *
 * Trusts   nothing of the request; nothing of it is in an answer.
 * Limits   PAGES_HEAD_MAX bytes of request head.
 */
#pragma once

#include <stddef.h>

#include "gateway/conn.h"

struct buf;

enum { PAGES_HEAD_MAX = 8 * 1024, PAGES_ANSWER_MAX = 4 * 1024 * 1024, PAGES_TROUBLE_MAX = 512 };

enum pages_verdict {
	PAGES_MORE, /* of the request must come */
	PAGES_ANSWERED,
	PAGES_NOT_HTTP, /* nothing can be said to this client */
};

/* What pages of the gateway's own show; p NULL: there is none. */
struct pages_text {
	const char *p;
	size_t n;
};

struct pages_texts {
	struct pages_text acme_info, app_info; /* JSON */
	struct pages_text dev_ca;	       /* PEM */
};

enum pages_verdict pages_answer(enum conn_page page, const void *request, size_t n,
				const struct pages_texts *texts, struct buf *ret);

/* What is said of PAGE_502, _503, _504; static. */
struct pages_trouble {
	const char *status;	 /* "502 Bad Gateway" */
	const char *retry_after; /* seconds; NULL: nothing is said */
	const char *text;
};

const struct pages_trouble *pages_trouble(enum conn_page page);

/* The page itself, HTML.  Return: its bytes, without the NUL. */
size_t pages_trouble_body(const struct pages_trouble *t, char ret[static PAGES_TROUBLE_MAX]);
