/* SPDX-License-Identifier: Apache-2.0 */
/* power: ending a VM, as stop and restart do it, for other commands */
#pragma once

#include <stdbool.h>

#include <jansson.h>

struct cli;
struct err;

/* Ask the guest to power off, or @by_force do not ask, and wait until nothing of @vm runs. */
int power_down(struct cli *c, const json_t *vm, bool by_force, struct err *e);
