/* SPDX-License-Identifier: Apache-2.0 */
/* guest_config: .sys-config.json and .tee-simulator.json, made anew for each start */
#pragma once

struct err;
struct start_plan;

/*
 * Write both into shared/ (or remove a stale .tee-simulator.json) and set the plan's mr_config_id.
 * Return: 0; what vm_config_sys() returns; an errno.
 */
int guest_config_write(struct start_plan *p, struct err *e);
