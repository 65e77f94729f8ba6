/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/init.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/time.h"
#include "base/version.h"
#include "guest-stub/app.h"
#include "guest-stub/boot.h"
#include "guest-stub/data_disk.h"
#include "guest-stub/mounts.h"
#include "guest-stub/processes.h"
#include "guest-stub/supervisor.h"

enum {
	FLUSH_MS = 10000, /* what a deaf host can hold up the end by */
	KILL_MS = 2000,
	WATCH_MS = 60000,
	POLL_MS = 50,
};

/* Is the app to be spoken of?  Only its first end after the boot. */
static void watch_app(struct boot *b, bool *is_over)
{
	const struct supervisor *s = b->supervisor;
	char how[96], text[128];

	if (*is_over || s->slots[SUPERVISOR_SCRIPT].pid == 0 ||
	    supervisor_is_running(s, SUPERVISOR_SCRIPT))
		return;
	*is_over = true;
	(void)snprintf(
		text, sizeof(text), "main script %s",
		supervisor_how_it_ended(how, sizeof(how), s->slots[SUPERVISOR_SCRIPT].status));
	notices_send(&b->notices, "app.exit", text);
}

static void serve(struct boot *b)
{
	bool is_over = false;

	while (b->supervisor->stop == SUPERVISOR_RUN) {
		watch_app(b, &is_over);
		gateway_child_watch(&b->gateway, time_mono_ms());
		if (keeper_watch(&b->agent, time_mono_ms()) == KEEPER_GAVE_UP)
			notices_send(&b->notices, "boot.notice",
				     "the guest agent ended too often and is not started again");
		(void)supervisor_pump(b->supervisor, b->gateway.fd, WATCH_MS);
	}
}

/* Pump until no process of the app is left.  Return: false when @timeout_ms passed before. */
static bool wait_for_none(struct supervisor *s, const pid_t *keep, size_t n,
			  unsigned int timeout_ms)
{
	uint64_t end = time_mono_ms() + timeout_ms;

	while (processes_signal(0, keep, n) > 0) {
		if (time_mono_ms() >= end)
			return false;
		(void)supervisor_pump(s, -1, POLL_MS);
	}
	return true;
}

/* Ask every process of the app to end, then make it; those that speak with the host live on. */
static void stop_processes(struct supervisor *s)
{
	const pid_t keep[] = { s->slots[SUPERVISOR_NOTIFIER].pid, s->slots[SUPERVISOR_AGENT].pid };

	(void)processes_signal(SIGTERM, keep, 2);
	if (wait_for_none(s, keep, 2, APP_STOP_MS))
		return;
	log_warn("init: killing what did not end in %d s", APP_STOP_MS / 1000);
	(void)processes_signal(SIGKILL, keep, 2);
	(void)wait_for_none(s, keep, 2, KILL_MS);
}

static __attribute__((noreturn)) void go_down(unsigned int how)
{
	log_info("init: %s", how == (unsigned int)RB_AUTOBOOT ? "restarting" : "powering off");
	mounts_drop();
	(void)reboot((int)how);
	(void)reboot((int)RB_HALT_SYSTEM);
	for (;;)
		(void)pause();
}

/* The kernel opens the console for us; without one, output goes nowhere rather than into a file. */
static void open_stdio(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_NOCTTY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd > STDERR_FILENO)
		(void)close(fd);
}

static void end(struct boot *b)
{
	struct supervisor *s = b->supervisor;

	if (s->stop == SUPERVISOR_SHUTDOWN)
		notices_send(&b->notices, "shutdown.progress", "powering off");
	gateway_child_leave(&b->gateway);
	stop_processes(s);
	data_disk_close(DATA_DISK_MOUNT_POINT);
	notices_finish(&b->notices, FLUSH_MS);
}

void init_run(void)
{
	struct err e = ERR_NONE;
	struct supervisor s;
	struct boot b;
	bool wants_again;
	int r;

	open_stdio();
	log_init(LOG_LEVEL_INFO);
	(void)umask(022);
	/* words of the kernel's command line become our environment: they choose no paths here */
	(void)clearenv();
	(void)setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	log_info("bailey-guest " BAILEY_VERSION);
	(void)reboot(RB_DISABLE_CAD);
	if (supervisor_init(&s, &e) < 0) {
		log_error("init: %s", e.text);
		go_down(RB_POWER_OFF);
	}
	boot_init(&b, &s);
	r = boot_run(&b, &e);
	if (r == 0)
		serve(&b);
	else if (r != -ECANCELED)
		log_error("init: %s", e.text);
	end(&b);
	boot_deinit(&b);
	/* who has no keys now may get them later: the host starts a guest that reboots again, with pauses */
	wants_again = r == -EAGAIN && s.stop == SUPERVISOR_RUN;
	go_down(wants_again || (r == 0 && s.stop == SUPERVISOR_REBOOT) ? (unsigned int)RB_AUTOBOOT
								       : RB_POWER_OFF);
}
