/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qgs: asking the host's quote generation service for a quote
 *
 * Trusts   nothing: the service runs on the host.  Whether what comes is a quote of this TD is seen by who reads it.
 * Wire     Intel's QGS message library, version 1.0, with a length of four bytes (big-endian) before each message;
 *	    the rest is little-endian: u16 major, u16 minor, u32 type, u32 size, u32 error; then of a request for a
 *	    quote u32 report size, u32 id list size, report; of an answer u32 id size, u32 quote size, id, quote.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	QGS_REPORT_SIZE = 1024,
	QGS_LENGTH_SIZE = 4,
	QGS_REQUEST_SIZE = QGS_LENGTH_SIZE + 24 + QGS_REPORT_SIZE,
	QGS_ANSWER_MAX = 16 * 1024, /* without the length */
};

enum qgs_verdict {
	QGS_OK,
	QGS_TOO_LARGE,
	QGS_TRUNCATED,
	QGS_BAD_VERSION,
	QGS_BAD_TYPE,
	QGS_BAD_SIZE,
	QGS_REFUSED, /* the service says so */
	QGS_VERDICT_COUNT,
};

struct qgs_answer {
	uint32_t error;	      /* of QGS_REFUSED */
	const uint8_t *quote; /* borrowed */
	size_t n_quote;
};

void qgs_request(const uint8_t report[static QGS_REPORT_SIZE],
		 uint8_t ret[static QGS_REQUEST_SIZE]);

/* How many bytes follow the length; QGS_OK or QGS_TOO_LARGE. */
enum qgs_verdict qgs_length(const uint8_t p[static QGS_LENGTH_SIZE], size_t *ret);

/* What follows the length.  Return: QGS_OK and *@ret; QGS_REFUSED and its error; else what is wrong. */
enum qgs_verdict qgs_parse(const void *p, size_t n, struct qgs_answer *ret);

/* What the verdict means, for people.  Static. */
const char *qgs_verdict_text(enum qgs_verdict v);
