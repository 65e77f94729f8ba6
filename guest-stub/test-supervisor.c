/* SPDX-License-Identifier: Apache-2.0 */
/* test-supervisor: children end, are told apart, and a request to stop cuts a wait short */
#include "guest-stub/supervisor.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"

enum { LONG_MS = 60000 };

static void start(struct supervisor *s, enum supervisor_kind kind, const char *script, int extra)
{
	const char *const argv[] = { "/bin/sh", "-c", script, NULL };
	const struct supervisor_spawn how = { .argv = argv, .input = -1, .extra = extra };

	assert(supervisor_start(s, kind, &how, NULL) == 0);
}

static void test_each_child_ends_in_its_own_slot(struct supervisor *s)
{
	start(s, SUPERVISOR_AGENT, "exit 3", -1);
	start(s, SUPERVISOR_SCRIPT, "exit 4", -1);
	assert(supervisor_wait(s, SUPERVISOR_SCRIPT, LONG_MS) == 0);
	assert(supervisor_wait(s, SUPERVISOR_AGENT, LONG_MS) == 0);
	assert(WEXITSTATUS(s->slots[SUPERVISOR_AGENT].status) == 3);
	assert(WEXITSTATUS(s->slots[SUPERVISOR_SCRIPT].status) == 4);
	assert(!supervisor_is_running(s, SUPERVISOR_AGENT));
}

static void test_extra_fd_is_three(struct supervisor *s)
{
	char text[8] = "";
	int pair[2];

	assert(pipe2(pair, O_CLOEXEC) == 0);
	start(s, SUPERVISOR_SCRIPT, "echo here >&3", pair[1]);
	(void)fd_close(pair[1]);
	while (!supervisor_pump(s, pair[0], LONG_MS))
		;
	assert(read(pair[0], text, sizeof(text) - 1) == 5 && str_equal(text, "here\n"));
	assert(supervisor_wait(s, SUPERVISOR_SCRIPT, LONG_MS) == 0);
	assert(s->slots[SUPERVISOR_SCRIPT].status == 0);
	(void)fd_close(pair[0]);
}

static void test_slow_child_times_out_and_can_be_killed(struct supervisor *s)
{
	char how[96];

	start(s, SUPERVISOR_SCRIPT, "sleep 1000 & wait", -1);
	assert(supervisor_wait(s, SUPERVISOR_SCRIPT, 10) == -ETIMEDOUT);
	supervisor_signal(s, SUPERVISOR_SCRIPT, SIGKILL);
	assert(supervisor_wait(s, SUPERVISOR_SCRIPT, LONG_MS) == 0);
	(void)supervisor_how_it_ended(how, sizeof(how), s->slots[SUPERVISOR_SCRIPT].status);
	assert(strstr(how, "killed by signal 9"));
}

static void test_missing_program_is_said(struct supervisor *s)
{
	const char *const argv[] = { "/nonexistent", NULL };
	const struct supervisor_spawn how = { .argv = argv, .input = -1, .extra = -1 };
	char text[96];

	assert(supervisor_start(s, SUPERVISOR_DHCP, &how, NULL) == 0);
	assert(supervisor_wait(s, SUPERVISOR_DHCP, LONG_MS) == 0);
	(void)supervisor_how_it_ended(text, sizeof(text), s->slots[SUPERVISOR_DHCP].status);
	assert(strstr(text, "could not be started"));
}

static void test_stop_cuts_a_wait_short_and_the_host_wins(struct supervisor *s)
{
	start(s, SUPERVISOR_SCRIPT, "sleep 1000", -1);
	assert(kill(getpid(), SIGUSR2) == 0);
	assert(supervisor_wait(s, SUPERVISOR_SCRIPT, LONG_MS) == -ECANCELED);
	assert(s->stop == SUPERVISOR_POWEROFF);
	assert(send(s->control_peer, "S", 1, 0) == 1);
	(void)supervisor_pump(s, -1, LONG_MS);
	assert(s->stop == SUPERVISOR_SHUTDOWN);
	supervisor_signal(s, SUPERVISOR_SCRIPT, SIGTERM);
	assert(supervisor_wait_end(s, SUPERVISOR_SCRIPT, LONG_MS) == 0);
}

int main(void)
{
	struct supervisor s;
	struct err e = ERR_NONE;

	assert(supervisor_init(&s, &e) == 0);
	test_each_child_ends_in_its_own_slot(&s);
	test_extra_fd_is_three(&s);
	test_slow_child_times_out_and_can_be_killed(&s);
	test_missing_program_is_said(&s);
	test_stop_cuts_a_wait_short_and_the_host_wins(&s);
	supervisor_deinit(&s);
	return 0;
}
