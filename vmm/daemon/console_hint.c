/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/console_hint.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/str.h"
#include "base/time.h"
#include "daemon/vm.h"

#define EVENT "vmm.console_panic"

void console_hint_look(int dirfd, struct console_look *l)
{
	struct stat st;
	int64_t at;

	l->words = (struct last_words_found){ .what = LAST_WORDS_NONE };
	if (fstatat(dirfd, "serial.log", &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	at = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	if (at == l->seen_ms || (int64_t)time_unix_ms() - at < CONSOLE_QUIET_MS)
		return;
	l->seen_ms = at;
	last_words_read(dirfd, &l->words);
}

static bool is_told(const struct vm *vm)
{
	const struct event *e;
	size_t i;

	for (i = 0; i < vm->events.n; i++) {
		e = events_at(&vm->events, i);
		if (e->generation == vm->state.generation && str_equal(e->name, EVENT))
			return true;
	}
	return false;
}

void console_hint_tell(struct vm *vm, const struct console_look *l)
{
	char text[sizeof(l->words.text) + 160];

	if (l->words.what != LAST_WORDS_PANIC || !vm->is_running || is_told(vm))
		return;
	(void)str_format(text, sizeof(text),
			 "its console ends with a kernel panic (%s), and says no more; if it "
			 "hangs, bailey restart starts it again",
			 l->words.text);
	vm_note(vm, EVENT, text);
}
