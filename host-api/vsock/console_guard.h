/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_guard: bounds the file that QEMU appends a guest's console to, while nobody else does
 *
 * baileyd moves a console on long before it comes to this; it may be away.  Then the front of the file is freed by a
 * hole, so that the bytes that stay keep their places and QEMU notices nothing.
 *
 * Owns     a descriptor that can append, and no more.
 */
#pragma once

#include <stdint.h>

struct err;

enum {
	CONSOLE_GUARD_MS = 5000, /* between two looks */
	CONSOLE_GUARD_KEPT = 16, /* of the most that there may be, the part that is kept */
};

struct console_guard {
	int fd; /* -1: none */
	uint64_t max, next_ms;
};

#define CONSOLE_GUARD_NULL ((struct console_guard){ .fd = -1 })

/* @max: the bytes on disk above which the front goes.  Return: 0; negative: not a file that we may append to. */
int console_guard_open(struct console_guard *g, const char *path, uint64_t max, struct err *e);
void console_guard_close(struct console_guard *g);

/* Look, if it is time.  Return: how many bytes were freed; 0: none. */
uint64_t console_guard_turn(struct console_guard *g, uint64_t now_ms);
