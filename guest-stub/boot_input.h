/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot_input: the steps of boot.h that make values out of what the host handed over
 *
 * Trusts   nothing; they read the copy of the share, once each.
 */
#pragma once

struct boot;
struct err;

int boot_input_sys_config(struct boot *b, struct err *e);
int boot_input_compose(struct boot *b, struct err *e);

/* Does this guest run it?  Says what it leaves out. */
int boot_input_policy(struct boot *b, struct err *e);

int boot_input_identity(struct boot *b, struct err *e);
