/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access_log: a JSON line for each connection that ended, or for one of so many
 *
 * Lines gather in the worker's memory and go out together, once a second or when they are many.  A file that does not
 * take them (a full disk) costs lines, which are counted, and no time.
 *
 * Limits   ACCESS_LINE_MAX a line: what a stranger sent is cut, and escaped, before it gets there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/counters.h"

enum { ACCESS_LINE_MAX = 1024, ACCESS_BUFFER = 16 * 1024 };

struct access_log {
	int fd;		 /* -1: none; borrowed */
	uint32_t sample; /* one of so many */
	uint32_t n_good, n_bad;
	size_t n;
	char bytes[ACCESS_BUFFER];
};

struct access_entry {
	uint64_t start_unix_ms, duration_ms;
	const char *client; /* address and port */
	const char *host;   /* as the client named it, checked; NULL: it named none */
	const char *app, *instance;
	uint16_t port;
	bool is_tls_ours, is_13, is_resumed, is_h2;
	uint64_t up, down; /* bytes */
	enum gw_end end;
};

/* Is the next one that ends so to be told of? */
bool access_log_wants(struct access_log *l, enum gw_end end);

void access_log_add(struct access_log *l, const struct access_entry *a,
		    struct gw_counters *counters);

/* Write what has gathered. */
void access_log_flush(struct access_log *l, struct gw_counters *counters);

/* The line itself, with its newline.  Return: its length. */
size_t access_log_line(const struct access_entry *a, char ret[static ACCESS_LINE_MAX]);
