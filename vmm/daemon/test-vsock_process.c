/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shell script stands for the program: it makes the sockets' names and locks nothing itself, as a
 * foreign program would.
 */
#include <assert.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "daemon/vsock_process.h"
#include "store/rmtree.h"

static char scratch[] = "/tmp/t-vp-XXXXXX";
static char program[64];
static struct vsock_paths paths;
static int log_fd = -1;

/* $2 is "guest-cid=N,socket=PATH,uds-path=PATH". */
static const char script[] = "#!/bin/sh\n"
			     "s=${2#*socket=}; s=${s%%,*}\n"
			     "exec /usr/bin/python3 -c '\n"
			     "import socket,sys,time,signal\n"
			     "signal.signal(signal.SIGTERM, signal.SIG_IGN if \"MODE\" == \"deaf\" "
			     "else signal.SIG_DFL)\n"
			     "s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()\n"
			     "time.sleep(600)' \"$s\"\n";

static const char failing[] = "#!/bin/sh\necho no >&2\nexit 3\n";

static void write_program(const char *text)
{
	assert(!file_replace(AT_FDCWD, program, 0700, text, strlen(text), NULL));
}

static struct vsock_process options(void)
{
	return (struct vsock_process){
		.program = program, .cid = 1000, .reader = (gid_t)-1, .log_fd = log_fd
	};
}

static void test_it_is_started_found_and_ended(void)
{
	const struct vsock_process o = options();
	uint64_t begun;
	int fd;

	write_program(script);
	assert(!vsock_process_make_dir(&paths, (gid_t)-1, NULL));
	assert(!vsock_process_is_alive(&paths));
	assert(!vsock_process_start(&paths, &o, NULL));
	assert(vsock_process_is_alive(&paths) && access(paths.vhost, F_OK) == 0);
	fd = vsock_process_open(&paths, NULL);
	assert(fd >= 0 && close(fd) == 0);
	begun = time_mono_ms();
	assert(!vsock_process_stop(&paths, NULL));
	assert(time_mono_ms() - begun >= VSOCK_PROCESS_DOWN_MS - 100); /* it was given its time */
	assert(!vsock_process_is_alive(&paths) && access(paths.dir, F_OK) < 0);
	assert(vsock_process_open(&paths, NULL) == ERR_BAD_STATE); /* nobody knows */
	assert(!vsock_process_stop(&paths, NULL));		   /* again is nothing */
}

/* A daemon that was killed between two steps finds the old one and replaces it. */
static void test_a_leftover_is_replaced(void)
{
	const struct vsock_process o = options();

	assert(!vsock_process_make_dir(&paths, (gid_t)-1, NULL));
	assert(!vsock_process_start(&paths, &o, NULL));
	assert(!vsock_process_start(&paths, &o, NULL));
	assert(vsock_process_is_alive(&paths));
	assert(!vsock_process_stop(&paths, NULL));
}

static void test_one_that_does_not_start_says_so(void)
{
	const struct vsock_process o = options();
	struct err e = ERR_NONE;

	write_program(failing);
	assert(!vsock_process_make_dir(&paths, (gid_t)-1, NULL));
	assert(vsock_process_start(&paths, &o, &e) == ERR_MISSING && strstr(e.text, "vsock.log"));
	assert(!vsock_process_stop(&paths, NULL));
}

static void test_a_pid_file_that_nobody_locks_names_nobody(void)
{
	char pid[16];

	(void)str_format(pid, sizeof(pid), "%d\n", (int)getpid());
	assert(!vsock_process_make_dir(&paths, (gid_t)-1, NULL));
	assert(!file_replace(AT_FDCWD, paths.pid_file, 0600, pid, strlen(pid), NULL));
	assert(!vsock_process_is_alive(&paths));
	assert(vsock_process_open(&paths, NULL) == ERR_NOT_FOUND); /* it ended, for sure */
	assert(!vsock_process_stop(&paths, NULL));		   /* and we live */
}

static void test_a_path_too_long_is_refused(void)
{
	struct vsock_paths p;
	char run[128];

	memset(run, 'r', sizeof(run));
	run[90] = 0;
	assert(vsock_paths(run, "01234567", &p, NULL) == ERR_INPUT);
}

int main(void)
{
	int tmp;

	assert(mkdtemp(scratch));
	(void)str_format(program, sizeof(program), "%s/program", scratch);
	assert(!vsock_paths(scratch, "01234567", &paths, NULL));
	log_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	test_it_is_started_found_and_ended();
	test_a_leftover_is_replaced();
	test_one_that_does_not_start_says_so();
	test_a_pid_file_that_nobody_locks_names_nobody();
	test_a_path_too_long_is_refused();
	(void)close(log_fd);
	tmp = open("/tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert(!rmtree(tmp, scratch + 5, NULL, NULL));
	(void)close(tmp);
	return 0;
}
