/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vm: reading a VmInfo, as Status and GetInfo give it
 *
 * Trusts   nothing of its shape: what is missing reads as "" or 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "cli/term.h"

struct buf;
struct err;

enum { VM_SHORT_ID = 8, VM_ID_SIZE = 65, VM_TEXT_MAX = 400 };

/* Borrowed; never NULL. */
const char *vm_str(const json_t *vm, const char *key);
const char *vm_name(const json_t *vm); /* the id if it has no name */
const char *vm_id(const json_t *vm);
const json_t *vm_configuration(const json_t *vm); /* NULL if there is none: reads as empty */

bool vm_is(const json_t *vm, const char *status);

/* Has it ended: nothing runs and nothing is on its way? */
bool vm_is_down(const json_t *vm);

/**
 * vm_find() - the VM that an operator means
 * @vms:  all of them
 * @what: an id, a name, or the first digits of an id
 *
 * Return: 0 and a borrowed *@ret; ERR_NOT_FOUND; ERR_INPUT if several fit, naming them.
 */
int vm_find(const json_t *vms, const char *what, const json_t **ret, struct err *e);

/* "TDX", "simulated", "none": what stands behind the word "confidential". */
const char *vm_tee(const json_t *vm);

/* " (no TEE: not confidential)"; "" for a real TEE. */
const char *vm_tee_warning(const json_t *vm);

/*
 * One word for people, with its colour: status, or what the boot makes of it ("up", "booting", "failed"), or what
 * becomes of one that ended ("restarting", "gave up").
 */
const char *vm_state(const json_t *vm, enum colour *ret);

/*
 * A guest that no gateway took in reports it as a boot.error, and goes on.  Return: why, borrowed from @boot_error; NULL:
 * @boot_error is none, or says that the boot ends here.
 */
const char *vm_no_route(const char *boot_error);

/* Why it ended and what comes of it: "kernel panic, starts again in 3 s"; "" if it runs, or never did. */
const char *vm_end(const json_t *vm, char *dst, size_t size);

/* Where it can be reached: through gateways, and by its ports: "http://127.0.0.1:18080, udp 127.0.0.1:53"; or "".
 * Without http:// or https:// where nobody knows what the port speaks. */
int vm_addresses(const json_t *vm, const char *separator, struct buf *ret);
json_t *vm_addresses_json(const json_t *vm);

/* It runs, and has to be started again before a gateway leads to it. */
bool vm_lacks_gateway(const json_t *vm);

/* Events of @vm with a timestamp above *@last, or of it but not yet counted in *@n_same; moves both on. */
struct vm_event_cursor {
	json_int_t last;
	size_t n_same; /* how many with that timestamp were given */
};

typedef int (*vm_event_fn)(const char *event, const char *body, json_int_t timestamp, void *arg);
int vm_events_after(const json_t *vm, struct vm_event_cursor *at, vm_event_fn fn, void *arg);
