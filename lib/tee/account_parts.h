/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account_parts: what the files of account share: how a finding is noted, and who judges what
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tee/account.h"

#define ACCOUNT_READY	"system-ready"
#define ACCOUNT_BOOT_MR "boot-mr-done"

/* Note a finding of entry @entry; SIZE_MAX: of none. */
void account_find(struct account *a, const char *check, size_t entry, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The system's events of RTMR3: their order, what they carry, which are missing or doubled. */
void account_judge_runtime(struct account *a);

/* Name the events of RTMR0 to 2, then judge their data, order, number. */
void account_judge_firmware(struct account *a);
