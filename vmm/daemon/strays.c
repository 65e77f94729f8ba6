/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/strays.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/num.h"
#include "base/str.h"

/* libvirt writes what we look for early */
enum { CMDLINE_MAX = 5 * 1024, VALUE_MAX = 256 };

/* The argument after @option, if the process has one, and @mark (NULL: any).  Return: 1, or 0. */
static int value_of(const char *pid, const char *option, const char *mark,
		    char ret[static VALUE_MAX])
{
	size_t n_option = strlen(option) + 1;
	char path[64], text[CMDLINE_MAX], *at, *end;
	auto_close int fd = -1;
	ssize_t n;

	if (str_format(path, sizeof(path), "/proc/%.20s/cmdline", pid) < 0)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = 0;
	end = text + n;
	if (mark && !memmem(text, (size_t)n, mark, strlen(mark)))
		return 0;
	for (at = text; at < end; at += strlen(at) + 1) {
		if (str_equal(at, option) && (size_t)(end - at) > n_option)
			return str_copy(ret, VALUE_MAX, at + n_option) >= 0;
	}
	return 0;
}

bool strays_has(pid_t pid, const char *option, const char *value)
{
	char text[24], found[VALUE_MAX];

	(void)str_format(text, sizeof(text), "%d", (int)pid);
	return value_of(text, option, NULL, found) && str_equal(found, value);
}

/* A pid may be another's by now: look again through what cannot change hands. */
static void end_process(const char *text, const char *option, const char *mark, const char *value)
{
	char now[VALUE_MAX];
	auto_close int fd = -1;
	uint32_t pid;

	if (num_parse_u32(text, 1, INT32_MAX, &pid))
		return;
	fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0U);
	if (fd < 0 || !value_of(text, option, mark, now) || !str_equal(now, value))
		return;
	log_warn("ending process %u, a QEMU that libvirt lost: %s %s", pid, option, value);
	(void)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0U);
}

void strays_end(const char *option, const char *mark,
		bool (*is_stray)(const char *value, void *arg), void *arg)
{
	const struct dirent *entry;
	char value[VALUE_MAX];
	DIR *proc = opendir("/proc");

	while (proc && (entry = readdir(proc)) != NULL) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    value_of(entry->d_name, option, mark, value) && is_stray(value, arg))
			end_process(entry->d_name, option, mark, value);
	}
	if (proc)
		(void)closedir(proc);
}

bool strays_is_there(const char *option, const char *value)
{
	const struct dirent *entry;
	char found[VALUE_MAX];
	bool is_there = false;
	DIR *proc = opendir("/proc");

	while (proc && !is_there && (entry = readdir(proc)) != NULL)
		is_there = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
			   value_of(entry->d_name, option, NULL, found) && str_equal(found, value);
	if (proc)
		(void)closedir(proc);
	return is_there;
}
