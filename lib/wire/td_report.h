/* SPDX-License-Identifier: Apache-2.0 */
/*
 * td_report: what a TD is made of, out of the report that its module gives it (TDREPORT)
 *
 * Borrows  the bytes.
 * Trusts   the TDX module, by way of our own kernel: a report is no proof to anybody else.
 * Wire     Intel's TDX module specification, TDREPORT_STRUCT: REPORTMACSTRUCT (256), TEE_TCB_INFO (239), reserved,
 *	    TDINFO_STRUCT (512) at 512.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { TD_REPORT_SIZE = 1024, TD_REPORT_DATA_SIZE = 64 };

/* 48 bytes each where nothing else is said. */
struct td_report {
	const uint8_t *report_data; /* TD_REPORT_DATA_SIZE */
	const uint8_t *attributes;  /* 8 */
	const uint8_t *mrtd, *mr_config_id, *mr_owner, *mr_owner_config;
	const uint8_t *rtmr[4];
};

/* Return: 0, or -1 if its type says that it is no report of a TD. */
int td_report_parse(const uint8_t p[static TD_REPORT_SIZE], struct td_report *ret);
