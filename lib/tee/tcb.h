/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tcb: Intel's words for how current a platform is, the levels that say so, and how words merge
 *
 * Borrows  advisories, from the JSON a level was read of.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

enum tcb_status {
	TCB_NONE, /* no level fits */
	TCB_UP_TO_DATE,
	TCB_SW_HARDENING,
	TCB_CONFIG,
	TCB_CONFIG_SW_HARDENING,
	TCB_OUT_OF_DATE,
	TCB_OUT_OF_DATE_CONFIG,
	TCB_REVOKED,
	TCB_RELAUNCH,
	TCB_RELAUNCH_CONFIG,
	TCB_STATUS_COUNT,
};

enum { TCB_COMPONENTS = 16, TCB_LEVELS_MAX = 128 };

struct tcb_level {
	uint8_t sgx[TCB_COMPONENTS];
	uint16_t pce_svn;
	uint8_t tdx[TCB_COMPONENTS];
	enum tcb_status status;
	int64_t date;		  /* "tcbDate", seconds since 1970; 0: it does not say */
	const json_t *advisories; /* may be NULL */
};

struct tcb_levels {
	struct tcb_level levels[TCB_LEVELS_MAX]; /* highest first */
	size_t n;
};

/* "UpToDate"...; NULL for TCB_NONE.  Static. */
const char *tcb_status_name(enum tcb_status s);

/* The status of that name; TCB_NONE if there is none. */
enum tcb_status tcb_status_of(const char *name);

/* Member @key as Intel writes times, "2024-03-13T00:00:00Z".  Return: is it one?  *@ret then. */
bool tcb_time(const json_t *j, const char *key, int64_t *ret);

/* "tcbLevels" of a TCB info.  Return: 0, or -EINVAL for a wrong form or a level that is doubled. */
int tcb_levels_read(const json_t *list, bool has_tdx, struct tcb_levels *ret);

/* The first level whose "isvsvn" is not above @svn.  Return: 0, -EINVAL; status NONE if none fits. */
int tcb_isv_level(const json_t *list, uint16_t svn, struct tcb_level *ret);

/* The status of a platform beside that of one of its components. */
enum tcb_status tcb_merge(enum tcb_status platform, enum tcb_status component);

/* What to say of a TD launched at @launch on a platform that is at @now. */
enum tcb_status tcb_relaunch(enum tcb_status launch, enum tcb_status now);
