/* SPDX-License-Identifier: Apache-2.0 */
/*
 * app_ctx: what the checks of app_verify share: what they are asked of, and how each says what it found
 */
#pragma once

#include "tee/account.h"
#include "tee/app_verify.h"
#include "tee/app_evidence.h"
#include "wire/quote.h"

struct app_ctx {
	const struct app_verify_args *a;
	const struct quote_td_report *td; /* NULL: there is none */
	struct app_row *row;
};

/* Set the row's outcome; the text is ours. */
__attribute__((format(printf, 3, 4))) void app_say(struct app_ctx *c, enum app_outcome outcome,
						   const char *fmt, ...);

/* It must be that: the row holds, or fails with both as hex. */
void app_compare(struct app_ctx *c, const char *what, const void *wanted, const void *got,
		 size_t n);

/* Is there a TD's report?  If not the row is unchecked. */
bool app_needs_td(struct app_ctx *c);

/* The payload of the system's event @name if it has @n bytes; else the row is unchecked and NULL. */
const uint8_t *app_needs_event(struct app_ctx *c, const char *name, size_t n);

/* The checks, by file: of the answer and its connection; of log and app; of the image. */
void app_check_report_data(struct app_ctx *c);
void app_check_nonce(struct app_ctx *c);
void app_check_tls_key(struct app_ctx *c);
void app_check_event_log(struct app_ctx *c);
void app_check_log_registers(struct app_ctx *c);
void app_check_rtmr3(struct app_ctx *c);
void app_check_compose_hash(struct app_ctx *c);
void app_check_app_id(struct app_ctx *c);
void app_check_mr_config(struct app_ctx *c);
void app_check_image(struct app_ctx *c);
void app_check_image_hash(struct app_ctx *c);
void app_check_vm_config(struct app_ctx *c);
void app_check_mrtd(struct app_ctx *c);
void app_check_rtmr0(struct app_ctx *c);
void app_check_rtmr1(struct app_ctx *c);
void app_check_rtmr2(struct app_ctx *c);
