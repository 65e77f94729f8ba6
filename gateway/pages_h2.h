/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages_h2: why an app was not reached, for clients that chose HTTP/2
 *
 * One answer to the first request, and the end.  It needs nothing of the request but that there is one and whether it is a GET,
 * which the first byte of its header block tells as clients write it: so there is no HPACK decoder here, no state, and
 * nothing of a client's frames is kept but the bytes that wait.  Who asks otherwise gets the status without the page.
 * gRPC clients take 502, 503 and 504 for UNAVAILABLE, as gRPC's mapping of HTTP says.
 *
 * Pure: a client's bytes in, an answer's bytes out.
 * Trusts   nothing of the frames; nothing of them is in an answer but a stream's number.
 * Limits   PAGES_HEAD_MAX bytes before the first request.
 * Wire     RFC 9113, 7541.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "gateway/conn.h"
#include "gateway/pages.h"

struct buf;

/* Our first frame, an empty SETTINGS, which is to be sent at once: some clients ask for nothing before it. */
enum { PAGES_H2_HELLO = 9 };
extern const uint8_t pages_h2_hello[PAGES_H2_HELLO];

/*
 * @p: all that the client sent so far.  @ret is to be sent after the hello: an acknowledgement of its settings, the
 * answer if there is a request, and GOAWAY.
 */
enum pages_verdict pages_h2_answer(enum conn_page page, const void *p, size_t n, struct buf *ret);
