/* SPDX-License-Identifier: Apache-2.0 */
/*
 * last_words: what a guest's console says about its end
 *
 * QEMU knows that a guest reset itself, not that its kernel panicked first (panic=1 in the command line that is
 * measured); and an end while no daemon was there to hear of it leaves only the console.  A Linux kernel says
 * both.  The guest wrote it: it decides about nothing but the guest itself.
 *
 * Trusts   nothing: any bytes.
 */
#pragma once

#include <stddef.h>

enum { LAST_WORDS_MAX = 16 * 1024 }; /* of the end of the console that are read */

enum last_words {
	LAST_WORDS_NONE,
	LAST_WORDS_PANIC,
	LAST_WORDS_REBOOT,
	LAST_WORDS_POWER_OFF,
	LAST_WORDS_COUNT,
};

struct last_words_found {
	enum last_words what;
	char text[128]; /* of a panic, its reason, printable; else "" */
};

/* The last that @p (the end of a serial.log) has of it, in the boot that it ends with. */
void last_words_find(const void *p, size_t n, struct last_words_found *ret);

/* The same for serial.log in the folder @dirfd; unreadable is LAST_WORDS_NONE.  On a worker. */
void last_words_read(int dirfd, struct last_words_found *ret);
