/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_health: GET /healthz: can the daemon do its work?
 *
 * Wire     200 {"status":"ok","checks":{"libvirt":"ok","vsock":"ok","disk":"ok","secrets":"ok"}}, or 503 with
 *	    "status":"failing" and the reason in place of "ok".
 * Limits   libvirt is asked once at a time, and has HEALTH_WAIT_MS; HEALTH_WAITING requests wait for it.
 */
#pragma once

struct daemon;
struct http_request;

enum { HEALTH_WAIT_MS = 5000, HEALTH_WAITING = 16 };

void api_health_serve(struct daemon *d, struct http_request *r);
void api_health_stop(struct daemon *d);
