/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tdx: the registers and quotes of a real TD, by what Linux offers for them
 *
 *	extend, read	sysfs measurements of the tdx_guest driver; where it has none, its ioctls
 *	td		likewise, or a TDREPORT
 *	quote		configfs reports; where the kernel has none, or the host does not serve them and
 *			tdx-attest.conf names a port, a TDREPORT to the host's QGS over vsock
 *
 * Owns     nothing but its paths.
 * Trusts   the kernel.  A quote is made by the host: it must be over our report data, and more is not our affair.
 * Wire     linux/tdx-guest.h; Documentation/ABI/testing/sysfs-devices-virtual-misc-tdx_guest; tsm_report.h; wire/qgs.h.
 *	    Environment, as dstack's programs and Intel's library have it: DCAP_TDX_RTMR_SYSFS_PATH and
 *	    DCAP_TDX_QUOTE_CONFIGFS_PATH, absolute and there, else an error; they decide alone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tee/tee.h"
#include "tee/tsm_report.h"
#include "wire/td_report.h"

struct buf;
struct err;

enum { TDX_PATH_MAX = 240 };

struct tdx {
	char device[TDX_PATH_MAX], sysfs[TDX_PATH_MAX], attest_conf[TDX_PATH_MAX];
	char configfs[TDX_PATH_MAX]; /* "": none on this kernel */
	struct tsm_report tsm;	     /* its dir is configfs */
	unsigned int qgs_ms;	     /* for the whole exchange */
};

/* Has this machine the driver's device, or does the environment name its directories? */
bool tdx_is_present(void);

/* Find the paths; makes the directory of reports where configfs is.  Return: 0; ERR_INPUT for the environment's. */
int tdx_init(struct tdx *t, struct err *e);

/* @t must stay where it is as long as the result is used. */
struct tee tdx_tee(struct tdx *t);

/* Parts, for tests. */

/* "port = 4050" of /etc/tdx-attest.conf.  Return: 0 and the port; ERR_MISSING without one. */
int tdx_qgs_port(const char *conf, uint32_t *ret, struct err *e);

/* Exchange a report for a quote over a connected stream socket @fd (borrowed), in @timeout_ms altogether. */
int tdx_qgs_exchange(int fd, const uint8_t report[static TD_REPORT_SIZE], unsigned int timeout_ms,
		     struct buf *ret, struct err *e);

/* Is it a TD's quote over @report_data?  Return: 0 or ERR_PROTO. */
int tdx_check_quote(const void *quote, size_t n,
		    const uint8_t report_data[static TEE_REPORT_DATA_SIZE], struct err *e);
