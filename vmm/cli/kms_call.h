/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kms_call: a question to a KMS by its address
 *
 * Trusts   nobody: its certificate is of its own authority, and its answers are public.  The caller holds them to a
 *          signature or a pin.
 * Limits   KMS_CALL_REPLY_MAX bytes, KMS_CALL_TIMEOUT_MS or --timeout.
 * Thread   blocks the caller's.
 */
#pragma once

#include <jansson.h>

struct buf;
struct cli;
struct err;

enum { KMS_CALL_URL_MAX = 600, KMS_CALL_REPLY_MAX = 1024 * 1024, KMS_CALL_TIMEOUT_MS = 30 * 1000 };

/* Fit to be asked: https:// or http://, a host, and nothing that names a user or a query.  Return: 0, ERR_INPUT. */
int kms_call_check(const char *url, struct err *e);

/**
 * kms_call() - POST @base/prpc/@method
 * @base:        as guests have it: 10.0.2.2 is this machine
 * @params:      borrowed; NULL: none
 * @certificate: its certificate as PEM, appended; NULL: not wanted
 *
 * Return: 0 and *@ret, the caller's; ERR_INPUT; ERR_UNREACHABLE; ERR_REFUSED with what it said; ERR_PROTO.
 */
int kms_call(const struct cli *c, const char *base, const char *method, const json_t *params,
	     struct buf *certificate, json_t **ret, struct err *e);
