/* SPDX-License-Identifier: Apache-2.0 */
/* check_room: disk, memory, and what else the kernel gives */
#include "check/check_parts.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/num.h"
#include "base/str.h"

#define MIB ((uint64_t)1024 * 1024)
#define GIB (1024 * MIB)

enum { FILES_FEW = 4096, PORT_WEB = 443 };

static const char *state_of(const struct check_host *h)
{
	const char *state = check_fact(h, "state");

	return *state ? state : "/var/lib/bailey";
}

void check_disk(const struct check_host *h, struct check_row *r)
{
	unsigned long long gib = h->disk_free / GIB, mib = h->disk_free / MIB;
	const char *state = state_of(h);

	if (h->disk_free < GIB)
		check_bad(r, CHECK_MISSING, "make room, or set state to a folder on a larger disk",
			  "%llu MiB free for %.150s", mib, state);
	else if (h->disk_free < 20 * GIB)
		check_bad(r, CHECK_WARN, "make room: disks of VMs grow as they are written",
			  "%llu GiB free for %.150s", gib, state);
	else
		check_ok(r, "%llu GiB free for %.150s", gib, state);
}

/* Is the mount point @at (of @n bytes) @path, or above it? */
static bool holds(const char *at, size_t n, const char *path)
{
	if (n == 1 && *at == '/')
		return true;
	return strncmp(path, at, n) == 0 && (path[n] == '/' || !path[n]);
}

/* The type of the file system that has @path: of the longest mount point above it, the last one. */
static void type_of(const char *mountinfo, const char *path, char *ret, size_t size)
{
	const char *line, *at, *end, *dash;
	size_t n, best = 0;
	int i;

	for (line = mountinfo; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		for (at = line, i = 0; i < 4 && at; i++) { /* proc(5): the fifth field */
			at = memchr(at, ' ', (size_t)(end - at));
			at = at ? at + 1 : NULL;
		}
		n = at ? strcspn(at, " \n") : 0;
		dash = strstr(line, " - ");
		if (!n || !dash || dash > end || n < best || !holds(at, n, path))
			continue;
		best = n;
		(void)str_format(ret, size, "%.*s", (int)strcspn(dash + 3, " \n"), dash + 3);
	}
}

void check_file_system(const struct check_host *h, struct check_row *r)
{
	static const char *const fleeting[] = { "tmpfs", "ramfs", "overlay" };
	static const char *const remote[] = { "nfs", "nfs4", "cifs", "9p", "fuse", "virtiofs" };
	auto_buf struct buf b = BUF_MAX(0);
	const char *state = state_of(h);
	char type[32] = "";
	size_t i;

	if (check_read(h, "/proc/self/mountinfo", &b) == 0 && b.n)
		type_of((const char *)b.p, state, type, sizeof(type));
	for (i = 0; i < sizeof(fleeting) / sizeof(*fleeting); i++) {
		if (str_equal(type, fleeting[i])) {
			check_bad(r, CHECK_WARN,
				  "mount a disk there, or set state to a folder on one",
				  "%.150s is on %s, which is gone with this machine", state, type);
			return;
		}
	}
	for (i = 0; i < sizeof(remote) / sizeof(*remote); i++) {
		if (str_equal(type, remote[i])) {
			check_bad(
				r, CHECK_WARN,
				"set state to a folder on a local disk: locks and fsync must hold",
				"%.150s is on %s", state, type);
			return;
		}
	}
	check_ok(r, "%s", *type ? type : "not known");
}

/* The number after "@key:" in /proc/meminfo; 0 without. */
static uint64_t meminfo(const struct check_host *h, const char *key)
{
	auto_buf struct buf b = BUF_MAX(0);
	uint64_t value = 0;
	const char *at;
	char digits[24];

	if (check_read(h, "/proc/meminfo", &b) != 0 || !b.n)
		return 0;
	at = strstr((const char *)b.p, key);
	at = at ? at + strlen(key) : "";
	at += strspn(at, ": ");
	if (str_format(digits, sizeof(digits), "%.*s", (int)strspn(at, "0123456789"), at) > 0)
		(void)num_parse_u64(digits, 0, UINT64_MAX / 1024, &value);
	return value;
}

void check_memory(const struct check_host *h, struct check_row *r)
{
	uint64_t all = meminfo(h, "MemTotal"), left = meminfo(h, "MemAvailable");
	unsigned long long gib = all / MIB, free_mib = left / 1024;

	if (!all)
		check_bad(r, CHECK_WARN, "mount /proc", "the kernel does not tell");
	else if (free_mib < 256)
		check_bad(r, CHECK_MISSING, "stop something, or add memory",
			  "%llu MiB are free of %llu GiB", free_mib, gib);
	else if (free_mib < 2048)
		check_bad(r, CHECK_WARN, "stop something, or add memory: a small VM takes 512 MiB",
			  "%llu MiB are free of %llu GiB", free_mib, gib);
	else
		check_ok(r, "%llu GiB are free of %llu GiB", free_mib / 1024, gib);
}

void check_hugepages(const struct check_host *h, struct check_row *r)
{
	unsigned long long all = meminfo(h, "HugePages_Total"), left = meminfo(h, "HugePages_Free");
	unsigned long long kib = meminfo(h, "Hugepagesize");

	if (all)
		check_ok(r, "%llu of %llu are free, %llu MiB each", left, all, kib / 1024);
	else
		check_ok(r, "none are reserved (only VMs with hugepages: true need them; sysctl "
			    "vm.nr_hugepages)");
}

void check_files(const struct check_host *h, struct check_row *r)
{
	if (h->nofile >= FILES_FEW)
		check_ok(r, "%llu", (unsigned long long)h->nofile);
	else
		check_bad(r, CHECK_WARN,
			  "raise the hard limit: LimitNOFILE= of the unit, or limits.conf(5)",
			  "%llu: some ten for each VM, and four for each follower of a log",
			  (unsigned long long)h->nofile);
}

void check_cgroup(const struct check_host *h, struct check_row *r)
{
	if (check_may(h, "/sys/fs/cgroup/cgroup.controllers", F_OK))
		check_ok(r, "v2");
	else
		check_bad(r, CHECK_WARN,
			  "boot with systemd.unified_cgroup_hierarchy=1: without cgroup v2 nothing "
			  "bounds what QEMU itself takes",
			  "no cgroup v2 at /sys/fs/cgroup");
}

void check_clock(const struct check_host *h, struct check_row *r)
{
	if (h->is_clock_synced)
		check_ok(r, "synchronised");
	else
		check_bad(r, CHECK_WARN,
			  "install chrony or systemd-timesyncd; if this host's own host keeps its "
			  "clock, leave it so",
			  "the kernel says that the clock is not synchronised");
}

void check_ports(const struct check_host *h, struct check_row *r)
{
	auto_buf struct buf b = BUF_MAX(0);
	uint32_t first = 1024;

	if (*h->busy) {
		check_bad(
			r, CHECK_WARN,
			"stop the program that has it (ss -ltnp), or choose another in api.listen",
			"in use by another program: %s", h->busy);
		return;
	}
	if (check_read(h, "/proc/sys/net/ipv4/ip_unprivileged_port_start", &b) == 0 && b.n) {
		char *text = (char *)b.p;

		text[strcspn(text, "\n")] = 0;
		(void)num_parse_u32(text, 0, UINT16_MAX, &first);
	}
	if (first <= PORT_WEB)
		check_ok(r, "VMs may have host ports from %u on", first ? first : 1);
	else
		check_ok(r,
			 "VMs may have host ports from %u on (sysctl "
			 "net.ipv4.ip_unprivileged_port_start=443 for lower ones)",
			 first);
}
