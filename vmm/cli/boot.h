/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot: follow a VM from its start until its guest says "done"
 *
 * Prints each step of the guest with the time since the start; on a terminal a line
 * that moves while nothing is said.
 */
#pragma once

#include <stdint.h>

#include <jansson.h>

struct cli;
struct err;

/* How long a boot of such a VM may take, without KVM and on a busy host. */
uint64_t boot_timeout_ms(uint64_t cpus, uint64_t memory_mib);

/**
 * boot_follow() - wait until @vm is up
 * @vm:		its VmInfo with configuration
 * @begun_ms:	when it was started, in ms since 1970: older events are of another boot; 0: when its last
 *		start was noted
 *
 * Return: 0; ERR_BOOT with what the guest said, or that it ended, or that it took too long, and
 * where to look; other codes of the API.
 */
int boot_follow(struct cli *c, const json_t *vm, uint64_t begun_ms, struct err *e);

/* "hello is up: http://127.0.0.1:18080 (no TEE: not confidential)". */
void boot_announce(const struct cli *c, const json_t *vm);
