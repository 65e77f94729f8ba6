/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal: an environment made unreadable for everybody but an app
 *
 * The app's public key comes by way of the daemon, which carries it, or from a KMS directly; env_key.h says when it is
 * believed.  The values leave this process only sealed.
 *
 * Borrows  what is in its arguments.
 */
#pragma once

#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "cli/env_key.h"

struct cli;
struct env_file;
struct err;

struct seal_args {
	struct env_key_rules rules; /* now: the moment of the answer, whatever is in it */
	const char *kms;	    /* ask this one; NULL: the daemon */
	const json_t *kms_urls;	    /* which the daemon is to ask; NULL or empty: those it knows */
};

struct sealed {
	struct buf bytes;
	uint64_t signed_at; /* 0: nobody knows */
};

/* Return: 0 and *@ret, to be deinited by the caller; of env_key_check(), of who was asked. */
int seal_env(const struct cli *c, const struct seal_args *a, const struct env_file *f,
	     struct sealed *ret, struct err *e);
