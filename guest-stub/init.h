/* SPDX-License-Identifier: Apache-2.0 */
/*
 * init: PID 1: boot, keep the agent and the app, stop when asked, never return
 *
 * Whatever goes wrong ends in a log line, a boot.error where the host can be reached, and power off: a PID 1
 * that ends would panic the kernel.
 */
#pragma once

__attribute__((noreturn)) void init_run(void);
