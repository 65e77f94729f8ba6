/* SPDX-License-Identifier: Apache-2.0 */
/* mounts: the table of what is mounted where before anything else, and letting go of it at the end */
#pragma once

struct err;

/* Mount the table.  What is mounted already stays.  Return: 0, or negative naming the mount that failed. */
int mounts_make(struct err *e);

/* Write what is in memory to disks and unmount all real file systems; never fails loudly. */
void mounts_drop(void);
