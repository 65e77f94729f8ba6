/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit_log: who got which keys and why, and who did not: lines of JSON
 *
 * Three files in the state folder, so that none can push out lines of another: audit.jsonl has a line for each
 * answer with keys, certificates.jsonl for each certificate, refused.jsonl for each refusal.
 *
 * Wire     {"at","call","from","allowed","why","simulated", and of whoever was verified "app_id","instance_id",
 *	    "compose_hash","os_image_hash","mr_system","mr_aggregated","device_id","tcb_status","advisories"};
 *	    "simulated" is null where nothing was verified.
 * Limits   audit_max bytes of the first two each, AUDIT_LOG_REFUSED_MAX of the third; of each there is the one before too.
 *	    AUDIT_LOG_REFUSALS an hour.
 * Thread   any.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/line_file.h"

struct boot_info;
struct err;

enum { AUDIT_LOG_REFUSED_MAX = 8 * 1024 * 1024, AUDIT_LOG_REFUSALS = 2000 };

enum audit_log_kind { AUDIT_LOG_KEYS, AUDIT_LOG_CERTIFICATE, AUDIT_LOG_REFUSED, AUDIT_LOG_KINDS };

struct audit_log {
	struct line_file files[AUDIT_LOG_KINDS];
	pthread_mutex_t lock;
	uint64_t hour_ms;
	unsigned int n_refusals;
};

/* Return: 0 or a negative errno. */
int audit_log_open(struct audit_log *a, const char *folder, uint64_t max, struct err *e);
void audit_log_close(struct audit_log *a);

struct audit_log_line {
	enum audit_log_kind kind;
	const char *call, *from, *why;
	const struct boot_info *boot; /* NULL: nobody was verified */
};

/* Return: 0; negative: it could not be written, and then no key may be handed out. */
int audit_log_add(struct audit_log *a, const struct audit_log_line *line, struct err *e);
