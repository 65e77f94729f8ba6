/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/proc_figures.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/num.h"
#include "base/str.h"

enum { STAT_MAX = 4096, FIELD_UTIME = 14, FIELD_STIME = 15, FIELD_START = 22, FIELD_RSS = 24 };

/* Field @n of proc(5), counted from 1; @rest begins at field 3. */
static bool field(const char *rest, unsigned int n, uint64_t *ret)
{
	char digits[24];
	unsigned int i;

	for (i = 3; i < n && rest; i++) {
		rest = strchr(rest, ' ');
		rest = rest ? rest + 1 : NULL;
	}
	return rest &&
	       str_format(digits, sizeof(digits), "%.*s", (int)strcspn(rest, " \n"), rest) > 0 &&
	       num_parse_u64(digits, 0, UINT64_MAX, ret) == 0;
}

bool proc_figures_parse(const char *stat, uint64_t ticks_a_second, uint64_t page_size,
			struct proc_figures *ret)
{
	const char *rest = strrchr(stat, ')'); /* the name before it may hold anything */
	uint64_t user, system, pages, ticks;
	struct proc_figures f;

	if (!rest || rest[1] != ' ' || !ticks_a_second || !field(rest + 2, FIELD_UTIME, &user) ||
	    !field(rest + 2, FIELD_STIME, &system) || !field(rest + 2, FIELD_RSS, &pages))
		return false;
	if (!num_add(user, system, &ticks) || !num_mul(ticks, (uint64_t)1000, &f.cpu_ms) ||
	    !num_mul(pages, page_size, &f.memory_bytes))
		return false;
	f.cpu_ms /= ticks_a_second;
	*ret = f;
	return true;
}

static bool read_stat(pid_t pid, struct buf *ret)
{
	char path[64];

	(void)str_format(path, sizeof(path), "/proc/%d/stat", (int)pid);
	return pid > 0 && file_read(AT_FDCWD, path, STAT_MAX, ret, NULL) == 0 && ret->n;
}

uint64_t proc_figures_start(pid_t pid)
{
	auto_buf struct buf b = BUF_MAX(0);
	const char *rest = read_stat(pid, &b) ? strrchr((const char *)b.p, ')') : NULL;
	uint64_t ticks;

	return rest && rest[1] == ' ' && field(rest + 2, FIELD_START, &ticks) ? ticks : 0;
}

bool proc_figures_read(pid_t pid, struct proc_figures *ret)
{
	long ticks = sysconf(_SC_CLK_TCK), page = sysconf(_SC_PAGESIZE);
	auto_buf struct buf b = BUF_MAX(0);

	return ticks > 0 && page > 0 && read_stat(pid, &b) &&
	       proc_figures_parse((const char *)b.p, (uint64_t)ticks, (uint64_t)page, ret);
}
