/* SPDX-License-Identifier: Apache-2.0 */
/* metrics: what all workers counted, as Prometheus reads it */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct buf;
struct gateway;

enum { METRICS_BYTES = 4 * 1024 * 1024, METRICS_APPS = 1000 };

/* What all workers have counted, of the counter that lies at @offset of struct gw_counters. */
uint64_t metrics_sum(const struct gateway *g, size_t offset);

/* A metric of one value. */
void metrics_one(struct buf *b, const char *name, const char *type, const char *help,
		 uint64_t value);

void metrics_write(const struct gateway *g, struct buf *ret);

/* Each app with its instances, as JSON; the first METRICS_APPS. */
void metrics_routes(const struct gateway *g, struct buf *ret);
