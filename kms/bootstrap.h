/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bootstrap: root keys for a key service that has none: made here, or fetched from another one
 *
 * Either ends with one file renamed into place (keys.h).  bootstrap-info.json, written before it, has nothing that
 * is secret; one without keys is of an attempt that did not end, and is written over.
 *
 * Thread   one at a time, any; all of it blocks.
 * Wire     dstack's: report data are keccak256("dstack-kms-genereted-keys-v1:" hex of SPKI ";" hex of the k256 public
 *	    key ";"), then zeros.  The misspelling is of the wire.
 */
#pragma once

#include <stddef.h>

struct err;
struct kms;

#define BOOTSTRAP_FILE "bootstrap-info.json"

/* Make root keys.  Return: 0; ERR_CONFLICT "KMS has already been bootstrapped"; others. */
int bootstrap_make(struct kms *k, struct err *e);

/* Fetch those of the KMS at @url ("https://host:port").  Return: 0; ERR_CONFLICT; others with which step failed. */
int bootstrap_fetch(struct kms *k, const char *url, struct err *e);

/* Read what bootstrap_make() left, if it did. */
void bootstrap_read(struct kms *k);
