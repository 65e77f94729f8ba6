/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pages: the dashboard (HTML) and the metrics (Prometheus text), as pure functions
 *
 * Trusts   nothing of what it shows: everything is escaped.
 */
#pragma once

struct about;
struct buf;
struct machine_system;

/* @m: NULL if the app keeps its system to itself.  Return: as buf_add(). */
int pages_dashboard(const struct about *a, const struct machine_system *m, struct buf *ret);

int pages_metrics(const struct machine_system *m, struct buf *ret);

/* Text with & < > " ' replaced. */
int pages_escape(struct buf *ret, const char *s);
