/* SPDX-License-Identifier: Apache-2.0 */
/*
 * about: who this guest is and what was measured, as the agent tells it
 *
 * Owns     copies of what PID 1 left in its files (state.h, the runtime log, the share).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "tee/event_log.h"

struct err;
struct guest_tee;
struct tee_td;

struct about_bytes {
	uint8_t b[32];
	size_t n;
};

struct about {
	json_t *state;
	const char *app_name, *tee, *vm_config; /* borrowed from state */
	bool public_sysinfo, public_tcbinfo;
	struct about_bytes app_id, instance_id, compose_hash, os_image_hash, device_id,
		mr_aggregated;
	struct event_log events;
	char *compose;	    /* what was measured, as text; "" if it is too long to be passed on */
	char *key_provider; /* the payload of the first event of that name, as text */
	char *tcb_info;	    /* JSON text, indented */
	char vendor[64], product[64];
};

/* @share_dir: the copy of the share; @log_dir: the runtime log; @state_dir: of PID 1. */
int about_load(const char *state_dir, const char *log_dir, const char *share_dir, struct about *ret,
	       struct err *e);

/* Add the registers of @t and the events before PID 1's own; nothing without a TEE. */
int about_measure(struct about *a, const struct guest_tee *t, struct err *e);

/* The app measured more: what @events and @td (NULL: no TEE) say now.  Takes the events over. */
void about_renew(struct about *a, const struct guest_tee *t, struct event_log *events,
		 const struct tee_td *td);
void about_deinit(struct about *a);
