/* SPDX-License-Identifier: Apache-2.0 */
/* api_origin: what a browser says about where a request comes from; for others these say nothing */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Is @host, of a Host header, localhost, an IP address, or one of @names?  Any other may be a name that its
 * owner points at this host, so that their page is of "the same origin" (DNS rebinding).  NULL: it was not sent,
 * as no browser does.
 */
bool origin_host_is_local(const char *host, const char *const *names, size_t n_names);

/* May a request that changes something come with these headers?  Each may be NULL. */
bool origin_is_same(const char *host, const char *origin, const char *fetch_site);
