/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pck_write: Intel's SGX extension of a PCK certificate, written
 *
 * Wire     as crypto/pck reads it, of a platform CA: seven entries.
 */
#pragma once

struct buf;
struct pck;

enum { PCK_WRITE_MAX = 1024 };

/* Append the extension's value in DER to @out, which has room for PCK_WRITE_MAX. */
void pck_write(const struct pck *k, struct buf *out);
