/* SPDX-License-Identifier: Apache-2.0 */
/* check_measure: what no file tells: room, limits, clock, who listens */
#include "check/check_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "data/json.h"
#include "loop/listen.h"

enum { CONNECT_S = 3 };

/* Of the folder, or of the nearest above it that is there. */
static uint64_t free_bytes(const struct check_host *h, const char *folder)
{
	char path[PATH_MAX], *slash;
	struct statvfs s;

	(void)check_path(h, folder, path);
	while (statvfs(*path ? path : "/", &s) < 0) {
		slash = strrchr(path, '/');
		if (!slash)
			return 0;
		*slash = 0;
	}
	return (uint64_t)s.f_bavail * s.f_frsize;
}

static bool takes_connections(const char *address)
{
	const struct timeval patience = { .tv_sec = CONNECT_S }; /* bounds connect() too */
	struct sockaddr_storage a;
	auto_close int fd = -1;
	socklen_t n;

	if (listen_parse(address, &a, &n) < 0)
		return false;
	fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	return fd >= 0 && connect(fd, (const struct sockaddr *)&a, n) == 0;
}

static void find_busy(struct check_host *h)
{
	const json_t *list = json_object_get(h->facts, "listen");
	const char *address;
	struct err e;
	size_t i;
	int fd;

	for (i = 0; !h->is_serving && i < json_array_size(list); i++) {
		address = json_string_value(json_array_get(list, i));
		if (!address)
			continue;
		if (str_starts(address, "tcp:"))
			address += strlen("tcp:");
		e = ERR_NONE;
		fd = listen_tcp(address, &e);
		if (fd == -EADDRINUSE || e.code == -EADDRINUSE)
			(void)str_copy(h->busy, sizeof(h->busy), address);
		(void)fd_close(fd < 0 ? -1 : fd);
	}
}

void check_measure(struct check_host *h)
{
	const char *state = check_fact(h, "state"), *provider = check_fact(h, "key_provider");
	struct timex t = { .modes = 0 };
	struct rlimit files = { .rlim_max = 0 };

	h->disk_free = free_bytes(h, *state ? state : "/var/lib/bailey");
	if (getrlimit(RLIMIT_NOFILE, &files) == 0)
		h->nofile = files.rlim_max;
	h->nofile = json_get_u64(h->facts, "nofile", h->nofile);
	h->is_clock_synced = adjtimex(&t) >= 0 && !(t.status & STA_UNSYNC);
	h->has_key_provider = *provider && takes_connections(provider);
	find_busy(h);
}
