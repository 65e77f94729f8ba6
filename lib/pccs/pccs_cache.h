/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pccs_cache: a folder of parts, a file each
 *
 * A file's name is made of the kind and of a digest of the address that the part was asked by: the service,
 * the TEE, the FMSPC and the CA are in that.  Nothing of a peer's is in it.
 *
 * Owns     files of mode 0600 in a folder of 0700, written aside and renamed.
 * Trusts   nothing: a file that is none of ours, or not whole, is as good as none.
 * Thread   any; several processes may use one folder.
 */
#pragma once

#include "pccs/pccs_part.h"

struct err;

/* Make the folder if need be.  Return: an fd, the caller's, or a negative errno. */
int pccs_cache_open(const char *folder, struct err *e);

/* Return: 0 and *@ret, to be deinitialised, or negative: there is nothing of use. */
int pccs_cache_get(int folder, enum pccs_kind kind, const char *url, struct pccs_part *ret);

/* Return: 0 or a negative errno. */
int pccs_cache_put(int folder, enum pccs_kind kind, const char *url, const struct pccs_part *p,
		   struct err *e);
