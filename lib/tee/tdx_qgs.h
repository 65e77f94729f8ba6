/* SPDX-License-Identifier: Apache-2.0 */
/* tdx_qgs: a quote from the host's quote generation service, where the kernel's configfs makes none */
#pragma once

#include <stdint.h>

#include "wire/td_report.h"

struct buf;
struct err;
struct tdx;

/*
 * Connect to port CID 2:<port of tdx-attest.conf> and exchange the report for a quote, alone in this machine:
 * others wait for the lock on the device.
 */
int tdx_qgs_quote(const struct tdx *t, const uint8_t report[static TD_REPORT_SIZE], struct buf *ret,
		  struct err *e);
