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

/* libvirt writes -uuid early */
enum { CMDLINE_MAX = 6 * 1024, ID_MAX = 64 };

/* The argument after -uuid, if the process has one.  Return: 1, or 0. */
static int uuid_of(const char *pid, char ret[static ID_MAX + 1])
{
	static const char option[] = "-uuid";
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
	for (at = text; at < end; at += strlen(at) + 1) {
		if (str_equal(at, option) && at + sizeof(option) < end)
			return str_copy(ret, ID_MAX + 1, at + sizeof(option)) >= 0;
	}
	return 0;
}

/* A pid may be another's by now: look again through what cannot change hands. */
static void end_process(const char *text, const char *id)
{
	char now[ID_MAX + 1];
	auto_close int fd = -1;
	uint32_t pid;

	if (num_parse_u32(text, 1, INT32_MAX, &pid))
		return;
	fd = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0U);
	if (fd < 0 || !uuid_of(text, now) || !str_equal(now, id))
		return;
	log_warn("vm %.8s: ending process %u, a QEMU that libvirt lost", id, pid);
	(void)syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0U);
}

void strays_end(bool (*is_stray)(const char *id, void *arg), void *arg)
{
	const struct dirent *entry;
	char id[ID_MAX + 1];
	DIR *proc = opendir("/proc");

	while (proc && (entry = readdir(proc)) != NULL) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    uuid_of(entry->d_name, id) && is_stray(id, arg))
			end_process(entry->d_name, id);
	}
	if (proc)
		(void)closedir(proc);
}
