/* SPDX-License-Identifier: Apache-2.0 */
#include "vsockdev/console_guard.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"

enum { MAX = 1024 * 1024, CHUNK = 64 * 1024 };

static char path[] = "/tmp/t-guard-XXXXXX";

static void append(int fd, int chunks)
{
	static char text[CHUNK];
	int i;

	memset(text, 'x', sizeof(text));
	for (i = 0; i < chunks; i++)
		assert(write(fd, text, sizeof(text)) == CHUNK);
}

static off_t on_disk(int fd)
{
	struct stat st;

	assert(fstat(fd, &st) == 0);
	return st.st_blocks * 512;
}

static void test_only_what_is_over_goes(int fd)
{
	struct console_guard g = CONSOLE_GUARD_NULL;
	char last[5] = "";
	struct stat st;

	assert(console_guard_turn(&g, 1) == 0); /* none */
	assert(console_guard_open(&g, path, MAX, NULL) == 0);
	append(fd, 8);
	assert(console_guard_turn(&g, 1) == 0 && on_disk(fd) >= 8 * CHUNK);
	append(fd, 16);
	assert(write(fd, "last", 4) == 4);
	assert(console_guard_turn(&g, 2) == 0); /* not yet */
	assert(console_guard_turn(&g, 1 + CONSOLE_GUARD_MS) > 0);
	assert(on_disk(fd) <= MAX / CONSOLE_GUARD_KEPT + 2 * CHUNK);
	assert(fstat(fd, &st) == 0 && st.st_size == 24 * CHUNK + 4); /* each byte has its place */
	assert(pread(fd, last, 4, st.st_size - 4) == 4 && strcmp(last, "last") == 0);
	assert(console_guard_turn(&g, 1 + 2 * CONSOLE_GUARD_MS) == 0); /* and now it is small */
	append(fd, 20);
	assert(console_guard_turn(&g, 1 + 3 * CONSOLE_GUARD_MS) > 0); /* again */
	console_guard_close(&g);
	console_guard_close(&g);
}

static void test_it_is_a_plain_file(void)
{
	struct console_guard g = CONSOLE_GUARD_NULL;
	struct err e = ERR_NONE;

	assert(console_guard_open(&g, "/dev/null", MAX, &e) == ERR_INPUT && g.fd == -1);
	assert(console_guard_open(&g, "/nowhere/x", MAX, &e) < 0 && strstr(e.text, "/nowhere/x"));
}

int main(void)
{
	int fd = mkostemp(path, O_APPEND | O_CLOEXEC);

	assert(fd >= 0);
	test_only_what_is_over_goes(fd);
	test_it_is_a_plain_file();
	assert(close(fd) == 0 && unlink(path) == 0);
	return 0;
}
