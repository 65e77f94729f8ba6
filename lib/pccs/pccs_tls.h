/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pccs_tls: a pccs_get_fn for guests, by loop/tls_call: without libcurl, and without anybody's certificates
 *
 * Trusts   nobody, and asks for no name: a guest knows no authorities, and it is its host that names the service.
 *	    What is brought is signed, and dated, by Intel.  So HTTP does as well as HTTPS (pccs_args.may_http), and
 *	    whoever is on the way can at most withhold, until the old part ends, a newer one.
 * Thread   any; it blocks.
 */
#pragma once

#include "pccs/pccs.h"

/* @arg is not used; @ca_file neither. */
int pccs_tls_get(void *arg, const struct pccs_get *g, int *ret_status, struct buf *body,
		 struct err *e);
