/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_events: GET /events: the events kept of a VM, or the last ones of all, as they come
 *
 * Wire     ours.  /events?id=ID[&follow][&since=SEQ]: a VM's, one JSON object a line:
 *		{"seq":1,"timestamp":ms,"generation":1,"event":"boot.progress","body":"done"}
 *	    With follow, new ones as they come, an empty line each EVENTS_HEARTBEAT_MS, and the end when the
 *	    VM is removed.  since=SEQ leaves out what the client has.
 *
 *	    /events[?follow][&since=CURSOR|now]: those of all VMs since the daemon began, as far as they are
 *	    kept (feed.h); each has "cursor", "id", "name" and "status" of its VM, too; the last of a VM is
 *	    "vmm.removed".  The first line is {"cursor":C,"complete":true}; complete is false, there or later,
 *	    where lines are missing: then the client looks at Status again.
 *
 *	    With Accept: text/event-stream both are server-sent events (WHATWG HTML 9.2) and follow unless told
 *	    not to: "id:" is the seq or the cursor, "data:" that JSON, the first line is of type "hello";
 *	    Last-Event-ID counts as since.
 * Limits   EVENTS_WATCHERS_MAX at once; each holds at most EVENTS_QUEUE_MAX unsent bytes, and is given no
 *	    more until its client has taken them; what the ring lost meanwhile is lost to it.
 */
#pragma once

struct daemon;
struct http_request;
struct vm;

enum {
	EVENTS_WATCHERS_MAX = 64,
	EVENTS_QUEUE_MAX = 256 * 1024,
	EVENTS_HEARTBEAT_MS = 30 * 1000,
};

void api_events_serve(struct daemon *d, struct http_request *r);

/* @vm has a new event, or goes. */
void api_events_wake(struct vm *vm);
void api_events_end(struct vm *vm);

/* End all. */
void api_events_stop(struct daemon *d);
