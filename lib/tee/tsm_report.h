/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tsm_report: a quote from a directory of Linux's TSM reports (configfs)
 *
 * The directory is one place for everybody in the machine: what is written by one is answered to all.  The kernel
 * counts each write in the file "generation", so one who sees it move by anything but its own write begins again.
 *
 * Trusts   the kernel; the quote comes from the host and is only held to its size here.
 * Limits   a quote has more than TSM_REPORT_MIN and less than TSM_REPORT_MAX bytes; waits end as the struct says.
 * Thread   any: other threads and processes are kept out by a lock on "inblob".
 * Wire     Documentation/ABI/testing/configfs-tsm-report: inblob, outblob, generation, provider.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct buf;
struct err;

enum {
	TSM_REPORT_MIN = 1020,
	TSM_REPORT_MAX = 8192,
	TSM_REPORT_DATA_SIZE = 64,
	TSM_REPORT_TRIES = 3, /* while the machine is busy, or somebody else writes */
};

struct tsm_report {
	const char *dir, *provider;    /* borrowed; the provider's name must begin so */
	unsigned int lock_ms, busy_ms; /* to wait for the lock; between two tries when it is busy */
	unsigned int generation_ms;    /* until a write is counted */
	ssize_t (*write)(int fd, const void *p, size_t n); /* write(2), but for tests */
};

/* Append the quote.  Return: 0; ERR_MISSING for another provider; -EBUSY, -ETIMEDOUT; ERR_PROTO for a bad size. */
int tsm_report_quote(const struct tsm_report *t, const uint8_t data[static TSM_REPORT_DATA_SIZE],
		     struct buf *ret, struct err *e);
