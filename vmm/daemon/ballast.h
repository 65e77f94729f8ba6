/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ballast: a little of the disk that is kept for the worst hour
 *
 * A file of BALLAST_SIZE in the state folder.  When the disk is full, what must be written to stop or to
 * remove a VM gets room by cutting a piece off it.
 *
 * Owns     a descriptor.
 * Thread   any.
 */
#pragma once

#include <sys/types.h>

struct err;

enum { BALLAST_SIZE = 4 * 1024 * 1024, BALLAST_PIECE = 128 * 1024 };

/* Open or make <state>/ballast.  Return: a descriptor, or negative. */
int ballast_open(const char *state, struct err *e);

/* Make room of one piece.  Return: 0; -ENOSPC when all is spent. */
int ballast_spend(int fd);

/* Bring it back to its size.  Return: 0; a negative errno: there is no room yet, and what there was stays. */
int ballast_fill(int fd);
