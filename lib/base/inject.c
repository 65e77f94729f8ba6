/* SPDX-License-Identifier: Apache-2.0 */
#include "base/inject.h"

#ifdef BAILEY_INJECT

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/num.h"
#include "base/str.h"

enum { SPEC_MAX = 128, ERRNO_MAX = 134 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char counted[SPEC_MAX]; /* the order that n_reached is of */
static uint32_t n_reached;

static void trace(const char *name)
{
	const char *path = getenv("BAILEY_INJECT_TRACE");
	auto_close int fd = -1;
	char line[SPEC_MAX];
	int n;

	if (!path)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	n = str_format(line, sizeof(line), "%s\n", name);
	if (fd < 0 || n < 0 || fd_write_all(fd, line, (size_t)n) < 0)
		abort(); /* a test that does not see what it asked for must not pass */
}

/* The order of the test, if there is one now. */
static bool read_spec(char ret[static SPEC_MAX])
{
	const char *order = getenv("BAILEY_INJECT");
	auto_close int fd = -1;
	ssize_t n;

	if (!order || order[0] != '@')
		return order && str_copy(ret, SPEC_MAX, order) > 0;
	fd = open(order + 1, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : fd_read_full(fd, ret, SPEC_MAX - 1);
	ret[n > 0 ? n : 0] = 0;
	ret[strcspn(ret, "\n")] = 0;
	return *ret != 0;
}

static int errno_of(const char *name)
{
	int i;

	for (i = 1; i < ERRNO_MAX; i++) {
		if (strerrorname_np(i) && str_equal(strerrorname_np(i), name))
			return i;
	}
	abort(); /* the test means something else than it says */
}

/* Take @spec apart in place.  Return: the errno after '='; 0: none. */
static int take_apart(char *spec, uint32_t *ret_nth)
{
	char *error = strchr(spec, '='), *nth;

	if (error)
		*error++ = 0;
	nth = strchr(spec, ':');
	if (nth)
		*nth++ = 0;
	*ret_nth = 1;
	if (nth && num_parse_u32(nth, 1, UINT32_MAX, ret_nth) < 0)
		abort();
	return error ? errno_of(error) : 0;
}

__attribute__((noreturn)) static void end(void)
{
	(void)kill(getpid(), SIGKILL);
	for (;;)
		(void)pause();
}

static int act(const char *name)
{
	char spec[SPEC_MAX], whole[SPEC_MAX];
	uint32_t nth;
	int code;

	if (!read_spec(spec))
		return 0;
	(void)str_copy(whole, sizeof(whole), spec);
	code = take_apart(spec, &nth);
	if (!str_equal(spec, name))
		return 0;
	if (!str_equal(whole, counted))
		n_reached = 0;
	(void)str_copy(counted, sizeof(counted), whole);
	n_reached++;
	if (!code && n_reached == nth)
		end();
	return code && n_reached >= nth ? -code : 0;
}

int inject_reach(const char *name)
{
	int saved = errno, rc;

	(void)pthread_mutex_lock(&lock);
	trace(name);
	rc = act(name);
	(void)pthread_mutex_unlock(&lock);
	errno = saved;
	return rc;
}

#else

extern int bailey_no_inject;

#endif
