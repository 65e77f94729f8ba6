/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits: what one VM may have of this host, and what all may have together
 *
 * Virtual CPUs and memory count while a VM runs or is meant to; a data disk counts as long as its VM is there.
 * Each refusal says what is used, what the limit is, its key in baileyd.yaml, and what was asked for.
 *
 * Thread   the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct config;
struct daemon;
struct err;
struct manifest;
struct vm;

/* May one VM be as large?  Return: 0; ERR_INPUT for nothing at all; ERR_LIMIT. */
int limits_check_vm(const struct config *c, uint32_t vcpu, uint32_t memory_mib, uint32_t disk_gib,
		    struct err *e);

/*
 * Is there room beside the other VMs for one like @m?  @self, which may be NULL, is that VM as it is now and does
 * not count.  @runs: it is to run; else only its disk counts.  Return: 0; ERR_LIMIT.
 */
int limits_check_room(const struct daemon *d, const struct vm *self, const struct manifest *m,
		      bool runs, struct err *e);

/*
 * Has the disk of @folder, a part of the state, room for something new: @bytes, and beside it what is kept free for
 * the VMs that are there (limits.disk_free)?  Return: 0; -ENOSPC.  Any thread.
 */
int limits_check_space(const struct config *c, const char *folder, uint64_t bytes, struct err *e);
