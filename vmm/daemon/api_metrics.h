/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api_metrics: GET /metrics: the daemon and its VMs in Prometheus' text format 0.0.4
 *
 * Limits   a row for each VM, at most METRICS_VMS; every other name is of a list of ours.
 */
#pragma once

struct buf;
struct daemon;
struct http_request;

enum { METRICS_VMS = 1000 };

void api_metrics_serve(struct daemon *d, struct http_request *r);

/* A label's value: backslash, quote and newline are escaped, what is not UTF-8 is shown as \\xNN. */
void api_metrics_label(struct buf *b, const char *value);
