/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: what an operator says of a key provider, bailey-key-provider.yaml
 *
 * Owns     its document, and the root it names.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "data/conf.h"

struct buf;
struct x509_cert;

enum { CONFIG_ROOT_MAX = 64 * 1024 };

struct config {
	json_t *doc;
	/* Borrowed from it, or made of the defaults: */
	const char *listen, *user; /* @listen: an address, or "unix:" and a path */
	char *state;
	enum log_level log;
	uint32_t accept;		     /* 1 << enum tcb_status */
	const char *pccs_url, *pccs_ca_file; /* NULL: the defaults */
	bool pccs_may_http;
	unsigned int pccs_timeout_ms;
	bool is_simulated;
	struct x509_cert *root; /* Intel's, or the simulator's */
};

extern const struct conf_key config_keys[];

/* @file NULL: all defaults.  Return: 0 and *@ret, for config_free(); ERR_INPUT with "file:line: ...". */
int config_read(const char *file, struct config **ret, struct err *e);
void config_free(struct config *c);

/* What is in effect, as JSON, which config_read() reads. */
void config_print(const struct config *c, struct buf *ret);
