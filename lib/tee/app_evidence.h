/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_evidence: what an app gives to be verified by, in any of the forms that there are
 *
 * Owns     copies of everything.
 * Trusts   nothing: forms only.  What holds is for app_verify.h to say.
 * Wire     a quote; an attestation (wire/attestation.h); or JSON, as bytes in hex and documents as text: the answer
 *	    to dstack's GetQuote or Attest, or to our GetEvidence (proto/agent.proto).
 * Limits   APP_EVIDENCE_MAX bytes, those of each part's own reader.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "tee/report_data.h"

struct err;

enum {
	APP_EVIDENCE_MAX = 10 * 1024 * 1024,
	APP_EVIDENCE_COMPOSE_MAX = 1024 * 1024,
	APP_EVIDENCE_TEXT_MAX = 1024 * 1024,
};

struct app_evidence {
	uint8_t *quote;
	size_t n_quote;
	char *log;	 /* JSON list, as account_read() takes it; NULL: none */
	json_t *events;	 /* of an attestation: the same, parsed; else NULL */
	char *vm_config; /* JSON; NULL: none */
	char *compose;	 /* the text of app-compose.json; NULL: none.  No NUL inside */
	bool has_report_data;
	uint8_t report_data[REPORT_DATA_SIZE]; /* as told beside the quote */
	bool is_answer; /* of GetEvidence: report data are made of the next two */
	uint8_t nonce[REPORT_DATA_NONCE_MAX];
	size_t n_nonce;
	uint8_t *tls_key; /* DER; NULL: none */
	size_t n_tls_key;
};

/* Return: 0 and *@ret, the caller's; ERR_INPUT or ERR_LIMIT for what is none. */
int app_evidence_read(const void *p, size_t n, struct app_evidence **ret, struct err *e);

/* The same for who needs no text: of an attestation @log is NULL, and @events are there. */
int app_evidence_read_parsed(const void *p, size_t n, struct app_evidence **ret, struct err *e);
void app_evidence_free(struct app_evidence *ev);
