/* SPDX-License-Identifier: Apache-2.0 */
/*
 * screen: a terminal that is drawn on in place, and given back as it was
 *
 * Owns     the terminal's mode between screen_open() and screen_close(); a signal that ends or stops us gives
 *          it back first.
 * Limits   one in a process.
 */
#pragma once

#include <stddef.h>

#include "cli/term.h"

struct err;

/* stdin and stdout are terminals.  Return: 0 or negative. */
int screen_open(struct err *e);

/* Idempotent. */
void screen_close(void);

/* How many lines it has, now. */
unsigned int screen_height(void);

/* Show @text in place of what is there; it fits.  Return: 0 or negative. */
int screen_draw(const char *text, size_t n);

/*
 * Wait for a key, a new size, or @timeout_ms.  Return: the key; 0: draw again, as time is up or the size is
 * another; -1: the terminal is gone.
 */
int screen_key(unsigned int timeout_ms);
