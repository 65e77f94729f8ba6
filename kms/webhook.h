/* SPDX-License-Identifier: Apache-2.0 */
/*
 * webhook: what a server that authorises is asked, and what it answers
 *
 * Trusts   the server's yes, and nothing else of it: whatever is no answer is no.  Nothing is kept.
 * Wire     dstack's: POST <url>/bootAuth/app or /bootAuth/kms with camelCase JSON, hex without 0x; answer
 *	    {"isAllowed":bool,"gatewayAppId":text,"reason":text}, all three needed.  GET <url>: {"status",
 *	    "kmsContractAddr","ethRpcUrl"?,"gatewayAppId","chainId","appImplementation"}.
 * Limits   WEBHOOK_ANSWER_MAX bytes; one deadline for the whole call.
 * Thread   any; webhook_ask() and webhook_info() block.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kms/grant.h"

struct boot_info;
struct buf;
struct err;

enum { WEBHOOK_ANSWER_MAX = 64 * 1024, WEBHOOK_TEXT_MAX = 256 };

struct webhook {
	const char *url, *ca_file;
	unsigned int timeout_ms;
};

struct webhook_info {
	char gateway_app_id[GRANT_GATEWAY_MAX], contract[WEBHOOK_TEXT_MAX],
		implementation[WEBHOOK_TEXT_MAX], rpc_url[WEBHOOK_TEXT_MAX];
	uint64_t chain_id;
};

/* The question.  Return: as buf_add(). */
int webhook_body(const struct boot_info *b, struct buf *ret);

/* Readers of the answers; pure.  Return: 0; ERR_PROTO, and *@ret is not written. */
int webhook_read(const void *p, size_t n, struct grant *ret, struct err *e);
int webhook_read_info(const void *p, size_t n, struct webhook_info *ret, struct err *e);

/* Return: 0 and *@ret, which may be a no; negative: no answer, which is a no too. */
int webhook_ask(const struct webhook *w, bool is_kms, const struct boot_info *b, struct grant *ret,
		struct err *e);
int webhook_get_info(const struct webhook *w, struct webhook_info *ret, struct err *e);
