/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log_index.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/str.h"

#define MARK "bailey-log-1"

enum { FIELDS = 5 + 3 * LOG_KEPT_MAX, SUM_DIGITS = 16 };

/* FNV-1a: against torn writes, not against people. */
static uint64_t sum_of(const char *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325u;
	size_t i;

	for (i = 0; i < n; i++)
		h = (h ^ (uint8_t)p[i]) * 0x100000001b3u;
	return h;
}

void log_index_format(const struct log_index *x, char ret[static LOG_INDEX_SLOT])
{
	char text[LOG_INDEX_SLOT];
	size_t i;
	int n;

	assert(x->n <= LOG_KEPT_MAX);
	n = str_format(text, sizeof(text), MARK " %llu %llu %llu %llu %zu",
		       (unsigned long long)x->seq, (unsigned long long)x->base,
		       (unsigned long long)x->cut, (unsigned long long)x->boot, x->n);
	for (i = 0; i < x->n; i++)
		n += str_format(text + n, sizeof(text) - (size_t)n, " %llu %llu %llu",
				(unsigned long long)x->kept[i].inode,
				(unsigned long long)x->kept[i].from,
				(unsigned long long)x->kept[i].to);
	memset(ret, ' ', LOG_INDEX_SLOT);
	memcpy(ret, text, (size_t)n);
	ret[LOG_INDEX_SLOT - 1] = '\n';
	/* at most 13 + 14 numbers of 20 digits and a space: the sum always has its room */
	(void)str_format(text, sizeof(text), "%016llx",
			 (unsigned long long)sum_of(ret, LOG_INDEX_SLOT - 1 - SUM_DIGITS));
	memcpy(ret + LOG_INDEX_SLOT - 1 - SUM_DIGITS, text, SUM_DIGITS);
}

/* The numbers between spaces.  Return: how many, or -1. */
static int read_numbers(char *text, uint64_t ret[static FIELDS])
{
	char *at = text, *word;
	int n = 0;

	while ((word = strsep(&at, " ")) != NULL) {
		if (!*word)
			continue;
		if (n == FIELDS || num_parse_u64(word, 0, UINT64_MAX, &ret[n]))
			return -1;
		n++;
	}
	return n;
}

static bool is_sound(const struct log_index *x)
{
	uint64_t to = x->cut;
	size_t i;

	if (x->base > x->cut || x->seq == 0)
		return false;
	for (i = 0; i < x->n; i++) {
		if (x->kept[i].to != to || x->kept[i].from > to)
			return false;
		to = x->kept[i].from;
	}
	return true;
}

int log_index_parse(const void *p, size_t n, struct log_index *ret)
{
	char text[LOG_INDEX_SLOT], sum[SUM_DIGITS + 1];
	size_t body = LOG_INDEX_SLOT - 1 - SUM_DIGITS, mark = sizeof(MARK) - 1, i;
	struct log_index x = { .n = 0 };
	uint64_t v[FIELDS];
	int count;

	if (n != LOG_INDEX_SLOT)
		return ERR_CORRUPT;
	memcpy(text, p, n);
	(void)str_format(sum, sizeof(sum), "%016llx", (unsigned long long)sum_of(text, body));
	if (memcmp(text + body, sum, SUM_DIGITS) != 0 || memcmp(text, MARK, mark) != 0 ||
	    memchr(text, 0, body))
		return ERR_CORRUPT;
	text[body] = 0;
	count = read_numbers(text + mark, v);
	if (count < 5 || v[4] > LOG_KEPT_MAX || (uint64_t)count != 5 + 3 * v[4])
		return ERR_CORRUPT;
	x = (struct log_index){
		.seq = v[0], .base = v[1], .cut = v[2], .boot = v[3], .n = (size_t)v[4]
	};
	for (i = 0; i < x.n; i++)
		x.kept[i] = (struct log_part){ v[5 + 3 * i], v[5 + 3 * i + 1], v[5 + 3 * i + 2] };
	if (!is_sound(&x))
		return ERR_CORRUPT;
	*ret = x;
	return 0;
}

void log_index_name(char ret[static LOG_NAME_MAX + 16], const char *name, const char *suffix)
{
	int n = str_format(ret, LOG_NAME_MAX + 16, "%s%s", name, suffix);

	assert(n > 0);
	(void)n;
}

void log_index_part_name(char ret[static LOG_NAME_MAX + 16], const char *name, size_t i)
{
	char suffix[8];

	(void)str_format(suffix, sizeof(suffix), ".%zu", i + 1);
	log_index_name(ret, name, suffix);
}

int log_index_open(int dirfd, const char *name)
{
	char path[LOG_NAME_MAX + 16];

	log_index_name(path, name, ".index");
	return openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
}

int log_index_lock(int dirfd, const char *name, struct err *e)
{
	char path[LOG_NAME_MAX + 16];
	auto_close int fd = -1;

	log_index_name(path, name, ".index");
	fd = openat(dirfd, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (fd < 0)
		return err_errno(e, errno, "cannot open %s", path);
	while (flock(fd, LOCK_EX) < 0) {
		if (errno != EINTR)
			return err_errno(e, errno, "cannot lock %s", path);
	}
	return steal_fd(&fd);
}

/* Older files without an index, such as an older daemon left: as if their bytes had followed each other. */
static void make_up(int dirfd, const char *name, struct log_index *x)
{
	char path[LOG_NAME_MAX + 16];
	struct stat st;
	uint64_t to = 0;
	size_t i;

	*x = (struct log_index){ .n = 0 };
	for (i = 0; i < LOG_KEPT_MAX; i++) {
		log_index_part_name(path, name, i);
		if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
			break;
		x->kept[x->n++] =
			(struct log_part){ .inode = st.st_ino, .to = (uint64_t)st.st_size };
	}
	for (i = x->n; i > 0; i--) {
		x->kept[i - 1].from = to;
		to += x->kept[i - 1].to;
		x->kept[i - 1].to = to;
	}
	x->base = x->cut = x->boot = to;
}

void log_index_load(int fd, int dirfd, const char *name, struct log_index *ret)
{
	char slots[2 * LOG_INDEX_SLOT];
	struct log_index x;
	ssize_t n = fd >= 0 ? pread(fd, slots, sizeof(slots), 0) : 0;
	size_t i;

	*ret = (struct log_index){ .seq = 0 };
	for (i = 0; i < 2 && n >= (ssize_t)((i + 1) * LOG_INDEX_SLOT); i++) {
		if (log_index_parse(slots + i * LOG_INDEX_SLOT, LOG_INDEX_SLOT, &x) == 0 &&
		    x.seq > ret->seq)
			*ret = x;
	}
	if (ret->seq == 0)
		make_up(dirfd, name, ret);
}

int log_index_save(int fd, struct log_index *x, struct err *e)
{
	char slot[LOG_INDEX_SLOT], empty[LOG_INDEX_SLOT];
	ssize_t n;

	memset(empty, ' ', sizeof(empty));
	/* Both slots get their block at once, while there is room for it. */
	if (x->seq == 0 && pwrite(fd, empty, sizeof(empty), 0) != (ssize_t)sizeof(empty))
		return err_errno(e, errno ? errno : ENOSPC, "cannot write the index of a log");
	x->seq++;
	log_index_format(x, slot);
	n = pwrite(fd, slot, sizeof(slot), (off_t)(x->seq % 2) * LOG_INDEX_SLOT);
	if (n != (ssize_t)sizeof(slot))
		return err_errno(e, n < 0 ? errno : ENOSPC, "cannot write the index of a log");
	return 0;
}

uint64_t log_index_oldest(const struct log_index *x)
{
	return x->n ? x->kept[x->n - 1].from : x->cut;
}
