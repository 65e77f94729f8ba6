/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm_probe: does KVM run a guest here?
 *
 * A /dev/kvm that opens proves little: on some nested hosts a guest then never gets anywhere.  So a guest of four
 * instructions is run, by a child process, until it halts or a deadline passes.
 *
 * Thread   any but the loop's: it blocks up to KVM_PROBE_MS.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { KVM_PROBE_MS = 5000 };

/* @why: "a guest ran", or what is missing.  Return: does it work? */
bool kvm_probe(char *why, size_t size);

/* The same without the look at /proc/cpuinfo: @device is "/dev/kvm" but for tests. */
bool kvm_probe_device(const char *device, unsigned int timeout_ms, char *why, size_t size);
