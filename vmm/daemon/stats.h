/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stats: GET /stats, what the VMs and the host use, as JSON
 *
 * The calls of dstack have no such figures; bailey-api(7) documents the members.
 */
#pragma once

struct daemon;
struct http_request;

/* "?vms=none" leaves the VMs out. */
void stats_serve(struct daemon *d, struct http_request *r);
