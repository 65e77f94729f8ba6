/* SPDX-License-Identifier: Apache-2.0 */
/*
 * host_facts: what baileyd says of itself and of its host
 *
 * A daemon that answers tells what it found when it started.  Without one baileyd is run to look, so that
 * bailey itself needs no libvirt.
 */
#pragma once

#include <stdbool.h>

#include <jansson.h>

struct cli;
struct err;

/* The caller's; NULL if there are none, and @why. */
json_t *host_facts(const struct cli *c, bool *ret_is_serving, struct err *why);
