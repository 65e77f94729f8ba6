/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logs: GET /logs?id&follow&ansi&lines&ch&all&from&frames: a VM's logs, as a file or as a stream
 *
 * Wire     dstack's, and ours beside it: all=true begins with the oldest byte that is kept; from=POSITION with that
 *	    byte; frames=true sends each piece as "@FROM TO N\n" and N bytes, which were the bytes [FROM, TO) of
 *	    the log.  FROM is more than the last TO where bytes are gone; N is 0 for a heartbeat.  Who asks
 *	    again with from=TO misses nothing and sees nothing twice.
 * Limits   LOGS_STREAMS_MAX at once; each holds at most LOGS_QUEUE_MAX unsent bytes, and reads no
 *	    further until its client has taken them.
 */
#pragma once

struct daemon;
struct http_request;

enum {
	LOGS_STREAMS_MAX = 64,
	LOGS_QUEUE_MAX = 256 * 1024,
	LOGS_LINES = 10000,	       /* when the query does not say */
	LOGS_POLL_MS = 200,	       /* how often a followed file is looked at */
	LOGS_HEARTBEAT_MS = 60 * 1000, /* a line that shows whether the client is there */
};

void logs_serve(struct daemon *d, struct http_request *r);

/* End all streams. */
void logs_stop(struct daemon *d);
