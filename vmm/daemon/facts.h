/* SPDX-License-Identifier: Apache-2.0 */
/*
 * facts: what baileyd and its host are, as JSON for `bailey check` and GET /stats
 *
 * bailey-api(7) documents each member.
 */
#pragma once

#include <jansson.h>

struct config;
struct host_caps;

/* @caps: NULL if they are not known.  The caller's; never NULL. */
json_t *facts(const struct config *c, const struct host_caps *caps);
