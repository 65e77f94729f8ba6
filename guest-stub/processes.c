/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/processes.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"

DEFINE_AUTO(DIR *, dir, closedir);
#define auto_dir __attribute__((cleanup(auto_dir_fn)))

/* Kernel threads and zombies have no program. */
static bool has_program(uint32_t pid)
{
	char path[32], target[8];

	return str_format(path, sizeof(path), "/proc/%u/exe", pid) > 0 &&
	       readlink(path, target, sizeof(target)) > 0;
}

static bool is_one_of(pid_t pid, const pid_t *list, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (list[i] == pid)
			return true;
	}
	return false;
}

int processes_signal(int signal, const pid_t *except, size_t n_except)
{
	auto_dir DIR *dir = opendir("/proc");
	const struct dirent *d;
	uint32_t pid;
	int n = 0;

	while (dir && (d = readdir(dir))) {
		if (num_parse_u32(d->d_name, 1, INT_MAX, &pid) < 0 || (pid_t)pid == getpid() ||
		    is_one_of((pid_t)pid, except, n_except) || !has_program(pid))
			continue;
		n++;
		if (signal != 0)
			(void)kill((pid_t)pid, signal);
	}
	return n;
}
