/* SPDX-License-Identifier: Apache-2.0 */
/*
 * console_hint: tells an operator that a guest's kernel may have panicked and halted
 *
 * QEMU does not know: a halted guest runs, and there is no device to tell it by, as devices are measured.  The console
 * knows, but it is the guest's word: so this is an event, once in a boot, and nothing is done about it.
 */
#pragma once

#include <stdint.h>

#include "daemon/last_words.h"

struct vm;

enum { CONSOLE_QUIET_MS = 10 * 1000 };

struct console_look {
	int64_t seen_ms; /* when what was looked at last was written; 0: never */
	struct last_words_found words;
};

/* If the console in @dirfd has been quiet for a while, and since another line than last time, read its end.  On a worker. */
void console_hint_look(int dirfd, struct console_look *l);

/* Tell it, if it is one. */
void console_hint_tell(struct vm *vm, const struct console_look *l);
