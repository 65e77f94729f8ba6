/* SPDX-License-Identifier: Apache-2.0 */
/* proc_figures: how much processor time and memory a process has, and when it began, out of proc(5) */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_figures {
	uint64_t cpu_ms;       /* user and system time since it began */
	uint64_t memory_bytes; /* resident */
};

/* Of @pid.  Return: is it there? */
bool proc_figures_read(pid_t pid, struct proc_figures *ret);

/* The pure part.  @stat: the text of /proc/PID/stat.  Return: could it be read? */
bool proc_figures_parse(const char *stat, uint64_t ticks_a_second, uint64_t page_size,
			struct proc_figures *ret);

/*
 * When @pid began, in ticks since the host did: by it a pid that was given away again is told.  0: /proc does not say.
 */
uint64_t proc_figures_start(pid_t pid);
