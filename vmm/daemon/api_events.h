/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_events: GET /events?id[&follow]: all notices kept of a VM, one JSON object a line
 *
 * Wire     ours: {"seq":1,"timestamp":ms,"generation":1,"event":"boot.progress","body":"done"}; with
 *	    follow, new ones as they come, an empty line each EVENTS_HEARTBEAT_MS of silence, and the end
 *	    when the VM is removed.  since=SEQ leaves out what the client has.
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
