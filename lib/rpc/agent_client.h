/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent_client: a service asks the agent of the guest that it runs in
 *
 * Thread   any; calls block, for AGENT_CLIENT_MS at most.
 * Trusts   the socket: whoever answers there is the agent.  Its errors are shown escaped.
 * Limits   AGENT_CLIENT_ANSWER_MAX bytes of an answer.
 * Wire     dstack's calls in JSON over HTTP on a unix socket: POST /METHOD?json.
 */
#pragma once

#include <jansson.h>

struct buf;
struct err;

enum { AGENT_CLIENT_MS = 60 * 1000, AGENT_CLIENT_ANSWER_MAX = 21 * 1024 * 1024 };

/*
 * Call @method ("GetKey") with the JSON object @question, NULL: an empty one.
 * Return: 0 and the answer's value, the caller's; negative, and @e says what the agent said, or why it said nothing.
 * An answer may hold keys: who asks for some calls json_wipe_on_free() at the start of main().
 */
int agent_client_ask(const char *socket, const char *method, const json_t *question, json_t **ret,
		     struct err *e);

/* The same, with the answer's text as the agent wrote it, which is JSON; for buf_deinit(). */
int agent_client_text(const char *socket, const char *method, const json_t *question,
		      struct buf *ret, struct err *e);
