/* SPDX-License-Identifier: Apache-2.0 */
/*
 * swap_file: a file that the kernel may move memory into
 *
 * What is in memory gets into it, so the disk under it must be encrypted: the caller sees to that.
 */
#pragma once

#include <stdint.h>

struct err;

enum { SWAP_PAGE = 4096, SWAP_SIZE_MIN = 10 * SWAP_PAGE };

/* The first page of a swap area of @size bytes, as mkswap writes it. */
void swap_file_header(uint8_t ret[static SWAP_PAGE], uint64_t size);

/* Make @path (0600) anew, of @size bytes, and use it.  Return: 0; ERR_INPUT if it does not fit; an errno. */
int swap_file_start(const char *path, uint64_t size, struct err *e);
