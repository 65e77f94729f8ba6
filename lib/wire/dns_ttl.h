/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dns_ttl: how long an answer of DNS holds: the least time to live among its answer section, aliases included
 *
 * c-ares 1.18, which reads the records themselves, keeps those of TXT records to itself.
 *
 * Trusts   nothing: what cannot be read holds for the least time.
 * Wire     RFC 1035 section 4.1.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Within @least and @most, in ms. */
uint32_t dns_least_ttl_ms(const void *p, size_t n, uint32_t least, uint32_t most);
