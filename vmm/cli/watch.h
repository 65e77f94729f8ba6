/* SPDX-License-Identifier: Apache-2.0 */
/*
 * watch: ask for a VM again and again until it is as wanted
 *
 * A daemon that is away for a moment (an upgrade) is waited for, up to WATCH_AWAY_MS.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "cli/api.h"

struct err;

enum { WATCH_STEP_MS = 200, WATCH_AWAY_MS = 30 * 1000 };

/* 1: as wanted; 0: go on; negative: give up.  @vm has no configuration. */
typedef int (*watch_fn)(const json_t *vm, void *arg, struct err *e);

/*
 * Return: 0 when @fn said 1; -ETIMEDOUT (without a text) after @timeout_ms; ERR_NOT_FOUND when the VM is gone;
 * whatever else @fn or the API said.
 */
int watch(const struct api *a, const char *id, uint64_t timeout_ms, watch_fn fn, void *arg,
	  struct err *e);
