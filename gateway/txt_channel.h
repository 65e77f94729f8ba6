/* SPDX-License-Identifier: Apache-2.0 */
/*
 * txt_channel: questions to DNS for TXT records that name an app
 *
 * c-ares keeps the rules of DNS (ids and ports at random, retries, TCP for what is cut off) and reads the answers; its
 * sockets are watched by our loop.
 *
 * Owns     a c-ares channel, a poll handle for each of its sockets, a timer that runs while something is asked.
 * Trusts   nothing of an answer but its first TXT record, which is held to the grammar of an id and a port.
 * Thread   the loop's.
 */
#pragma once

#include <stdint.h>

#include <uv.h>

#include "wire/host_label.h"

struct err;
struct gw_config;
struct txt_channel;

enum { TXT_TTL_MAX_MS = 3600 * 1000, TXT_TTL_MIN_MS = 1000 };

enum txt_outcome {
	TXT_FOUND,
	TXT_NO_RECORD,
	TXT_BAD_RECORD, /* there is one, and it names no app */
	TXT_NO_ANSWER,
};

struct txt_found {
	enum txt_outcome outcome;
	struct host_label label; /* of TXT_FOUND, and how long it holds */
	uint32_t ttl_ms;
};

typedef void (*txt_found_fn)(const struct txt_found *found, void *arg);

/* Return: 0 or negative. */
int txt_channel_start(struct txt_channel **ret, uv_loop_t *loop, const struct gw_config *c,
		      struct err *e);

/* Who still waits for an answer hears nothing more.  @done runs once from the loop. */
void txt_channel_stop(struct txt_channel *c, void (*done)(void *arg), void *arg);

/* @fn runs once, perhaps before the return. */
void txt_channel_ask(struct txt_channel *c, const char *name, txt_found_fn fn, void *arg);
