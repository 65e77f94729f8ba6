/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sgx_collateral: what the quote of a key provider's enclave is verified with, fetched by the guest itself
 *
 * Trusts   nobody: the host names the service, the verifier looks at who signed.
 * Limits   those of lib/pccs; SGX_COLLATERAL_MS for all of it.
 */
#pragma once

struct buf;
struct err;
struct quote;
struct sys_config;

enum { SGX_COLLATERAL_MS = 30000 };

#define SGX_COLLATERAL_DEFAULT "https://pccs.phala.network"

/* A provider_collateral_fn.  @arg: the const struct sys_config that names the service, or nobody: the default. */
int sgx_collateral(void *arg, const struct quote *q, struct buf *ret, struct err *e);
