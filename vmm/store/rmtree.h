/* SPDX-License-Identifier: Apache-2.0 */
/* rmtree: a folder and all in it deleted, without following links or crossing into other mounts */
#pragma once

struct err;

/**
 * rmtree() - delete @name, a folder in @at
 * @last: an entry of the folder that is deleted after all others; NULL: none
 *
 * Gone already is success.  Nothing outside the folder is touched: symbolic links are removed, not
 * followed, and a mount point inside stops it (-EXDEV).
 *
 * Return: 0 or a negative errno with the entry that could not be deleted.
 */
int rmtree(int at, const char *name, const char *last, struct err *e);
