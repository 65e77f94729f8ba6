/* SPDX-License-Identifier: Apache-2.0 */
/*
 * root: the one authority that is believed without being given: Intel's
 *
 * Invariant no root of a simulator is in here.  Whoever shows what another root vouches for says "simulated".
 */
#pragma once

#include <stdbool.h>

struct x509_cert;

/* Intel's root for SGX and TDX; the caller's, to be freed. */
struct x509_cert *root_intel(void);

/* Has it the name and the key of Intel's? */
bool root_is_intel(const struct x509_cert *c);
