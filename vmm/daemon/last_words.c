/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/last_words.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

static const struct {
	enum last_words what;
	const char *text;
} words[] = {
	{ LAST_WORDS_PANIC, "Kernel panic - not syncing: " },
	{ LAST_WORDS_REBOOT, "reboot: Restarting system" },
	{ LAST_WORDS_REBOOT, "reboot: machine restart" },
	{ LAST_WORDS_POWER_OFF, "reboot: Power down" },
	{ LAST_WORDS_POWER_OFF, "reboot: System halted" },
	{ LAST_WORDS_NONE, "===== boot @ " }, /* ours: another boot begins */
};

/* After the last @text in @p; NULL if it is not there. */
static const char *after_last(const char *p, size_t n, const char *text)
{
	const char *end = p + n, *found = NULL, *at;
	size_t n_text = strlen(text);

	while ((at = memmem(p, (size_t)(end - p), text, n_text)) != NULL)
		p = found = at + n_text;
	return found;
}

/* The rest of the line, but for the mark of a log that a kernel leaves: "---[ end ... ]---". */
static void take_reason(const char *p, size_t n, char *dst, size_t size)
{
	static const char mark[] = " ]---";
	size_t i, n_mark = sizeof(mark) - 1;

	for (i = 0; i < n && i + 1 < size && p[i] >= 0x20 && p[i] < 0x7f; i++)
		dst[i] = p[i];
	if (i >= n_mark && memcmp(dst + i - n_mark, mark, n_mark) == 0)
		i -= n_mark;
	dst[i] = 0;
}

void last_words_find(const void *data, size_t n, struct last_words_found *ret)
{
	const char *p = data, *last = NULL, *at;
	size_t i;

	*ret = (struct last_words_found){ .what = LAST_WORDS_NONE };
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		at = after_last(p, n, words[i].text);
		if (!at || (last && at < last))
			continue;
		/* a panic that reboots says both: the reason is the panic */
		if (ret->what == LAST_WORDS_PANIC && words[i].what == LAST_WORDS_REBOOT)
			continue;
		last = at;
		ret->what = words[i].what;
	}
	if (ret->what == LAST_WORDS_PANIC)
		take_reason(last, n - (size_t)(last - p), ret->text, sizeof(ret->text));
}

void last_words_read(int dirfd, struct last_words_found *ret)
{
	auto_close int fd =
		openat(dirfd, "serial.log", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	auto_free char *end = xcalloc(1, LAST_WORDS_MAX);
	struct stat st;
	ssize_t n = 0;

	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = pread(fd, end, LAST_WORDS_MAX,
			  st.st_size > LAST_WORDS_MAX ? st.st_size - LAST_WORDS_MAX : 0);
	last_words_find(end, n > 0 ? (size_t)n : 0, ret);
}
