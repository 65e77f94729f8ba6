/* SPDX-License-Identifier: Apache-2.0 */
/*
 * faults: all that is wrong with a document, each with its place
 *
 * Owns     the texts of each fault.  FAULTS_NULL is a valid empty list; faults_deinit() is idempotent.
 * Invariant they are in the order of the document; those of one line in that of their finding.
 * Limits   FAULTS_MAX; what comes after is counted, not kept.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { FAULTS_MAX = 64 };

struct fault {
	unsigned int line, column; /* from 1; 0: the whole document */
	char *key;		   /* "resources.memory", escaped; "" if there is none */
	char *message;		   /* what is wrong; what would be right */
};

struct faults {
	struct fault list[FAULTS_MAX];
	size_t n;
	bool is_cut; /* there was more */
};

#define FAULTS_NULL ((struct faults){ .n = 0 })

void faults_deinit(struct faults *f);
#define auto_faults __attribute__((cleanup(faults_deinit)))

/* Copied. */
void faults_add(struct faults *f, unsigned int line, unsigned int column, const char *key,
		const char *message);
