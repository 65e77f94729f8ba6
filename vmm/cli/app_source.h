/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_source: where an app's evidence comes from: a file, or the app itself
 *
 * Owns     what it read.
 * Trusts   nothing: what has no form is told apart from what cannot be had.
 * Limits   of app_evidence.h; APP_SOURCE_ANSWER_MAX bytes and --timeout (30 s) for an app; no redirects, no proxy.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "crypto/ratls.h"
#include "tee/app_evidence.h"
#include "tee/app_verify.h"

struct cli;

enum { APP_SOURCE_ANSWER_MAX = 4 * 1024 * 1024, APP_SOURCE_TIMEOUT_MS = 30 * 1000 };

struct app_source {
	struct app_evidence *evidence; /* NULL: what came is none, as @fault says */
	struct err fault;
	enum app_channel channel;
	struct ratls certificate; /* of the connection, if it had one */
	uint8_t nonce[REPORT_DATA_NONCE_MAX];
	size_t n_nonce; /* 0: none was given and none was sent */
};

/*
 * The evidence in file @operand ("-": stdin), or of the app at http:// or https://HOST[:PORT][/PATH].  An app is
 * asked for a quote of --nonce, or of one made here.  One whose certificate has a quote and that does not answer is
 * known by that.
 *
 * Return: 0 and *@ret, the caller's; ERR_INPUT; others: the app does not answer.
 */
int app_source_read(const struct cli *c, const char *operand, struct app_source *ret,
		    struct err *e);
void app_source_deinit(struct app_source *s);

/* http:// or https://? */
bool app_source_is_url(const char *operand);
