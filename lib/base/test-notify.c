/* SPDX-License-Identifier: Apache-2.0 */
/* Test notify: one datagram a call, to a path or an abstract name; nothing without a manager. */
#undef NDEBUG
#include "base/notify.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"

static int listen_at(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", name);
	if (*name == '@')
		a.sun_path[0] = 0;
	assert(fd >= 0);
	assert(bind(fd, (struct sockaddr *)&a,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))) == 0);
	return fd;
}

static void test_a_datagram_arrives(const char *name)
{
	auto_close int fd = listen_at(name);
	char got[64];

	assert(setenv("NOTIFY_SOCKET", name, 1) == 0);
	notify("READY=1");
	assert(recv(fd, got, sizeof(got), 0) == 7 && memcmp(got, "READY=1", 7) == 0);
	assert(recv(fd, got, sizeof(got), 0) < 0 && errno == EAGAIN);
}

static void test_no_manager_no_harm(void)
{
	assert(unsetenv("NOTIFY_SOCKET") == 0);
	notify("READY=1");
	assert(setenv("NOTIFY_SOCKET", "relative", 1) == 0);
	notify("READY=1");
	assert(setenv("NOTIFY_SOCKET", "/nowhere/at/all", 1) == 0);
	notify("READY=1");
}

static void test_watchdog(void)
{
	char pid[16];

	assert(notify_watchdog_ms() == 0);
	assert(setenv("WATCHDOG_USEC", "30000000", 1) == 0);
	assert(notify_watchdog_ms() == 15000);
	assert(setenv("WATCHDOG_PID", "1", 1) == 0 && notify_watchdog_ms() == 0);
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	assert(setenv("WATCHDOG_PID", pid, 1) == 0 && notify_watchdog_ms() == 15000);
	assert(setenv("WATCHDOG_USEC", "x", 1) == 0 && notify_watchdog_ms() == 0);
}

int main(void)
{
	char path[64], name[64];

	(void)snprintf(path, sizeof(path), "/tmp/b-notify-%d", (int)getpid());
	(void)snprintf(name, sizeof(name), "@b-notify-%d", (int)getpid());
	test_a_datagram_arrives(path);
	(void)unlink(path);
	test_a_datagram_arrives(name);
	test_no_manager_no_harm();
	test_watchdog();
	return 0;
}
