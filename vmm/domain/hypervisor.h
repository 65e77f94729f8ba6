/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hypervisor: libvirt, as operations that never block the loop
 *
 * The only user of libvirt.  Each operation runs on the thread pool, its result arrives on the loop.  Domains
 * outlive the process; a later hypervisor on the same root finds them running.
 *
 * Owns     a libvirt connection, the lock on its root, libvirt's timers and watched fds on our loop.
 * Limits   one hypervisor in a process (libvirt's event loop is global), one process per root.
 *          Operations run in the thread pool: set UV_THREADPOOL_SIZE above the number that may wait on QEMU.
 *          Operations on one domain are run in the order they were asked for; those on different domains
 *          at the same time.
 * Thread   the loop's; every callback runs on the loop, never before the call that named it returned.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <uv.h>

#include "base/buf.h"
#include "base/err.h"
#include "domain/domain_xml.h"

struct hypervisor;

enum {
	HYPERVISOR_NAME_MAX = 64, /* of a domain */
	HYPERVISOR_BUSY_MS =
		60 *
		1000, /* how long a domain may be busy (reconnecting) before that is an error */
};

enum hypervisor_state {
	HYPERVISOR_ABSENT,  /* no such domain */
	HYPERVISOR_STOPPED, /* defined, no process */
	HYPERVISOR_RUNNING, /* a process: running, paused, or on its way down */
	HYPERVISOR_STATE_COUNT,
};

enum hypervisor_reason {
	HYPERVISOR_REASON_NONE,	     /* running, or never started */
	HYPERVISOR_REASON_SHUTDOWN,  /* it ended in good order, and nobody saw who wanted that */
	HYPERVISOR_REASON_POWER_OFF, /* the guest powered off */
	HYPERVISOR_REASON_RESET,     /* the guest rebooted, or its kernel did after a panic */
	HYPERVISOR_REASON_PANIC,     /* the guest told QEMU that it crashed */
	HYPERVISOR_REASON_HOST,	     /* the host told QEMU to end: a signal */
	HYPERVISOR_REASON_DESTROYED, /* hypervisor_kill() */
	HYPERVISOR_REASON_CRASHED,   /* the process ended without being asked */
	HYPERVISOR_REASON_FAILED,    /* it did not start */
	HYPERVISOR_REASON_COUNT,
};

/* "guest shut down", "killed", ...: static, for messages and events. */
const char *hypervisor_reason_text(enum hypervisor_reason r);

struct hypervisor_domain {
	char name[HYPERVISOR_NAME_MAX + 1];
	char uuid[37];
	enum hypervisor_state state;
	enum hypervisor_reason reason; /* when stopped */
	bool is_ending; /* it runs, but its guest powered off or reset itself, or QEMU was told to end */
	pid_t pid;	/* of QEMU; 0 if not running or not known */
};

/* What an operation came to.  Borrowed for the length of the callback. */
struct hypervisor_result {
	int rc; /* 0 or negative; then err says why */
	struct err err;
	const struct hypervisor_domain *domains; /* one, or for hypervisor_list() all */
	size_t n_domains;
};

typedef void (*hypervisor_done_fn)(void *arg, const struct hypervisor_result *r);

/* A domain started or stopped, by whatever cause. */
struct hypervisor_event {
	char name[HYPERVISOR_NAME_MAX + 1];
	char uuid[37];
	bool is_started; /* else: stopped, and the process is gone */
	enum hypervisor_reason reason;
};

struct hypervisor_options {
	const char *
		uri; /* NULL: "qemu:///embed" in @root; or "qemu:///system", whose QEMUs run as we do */
	const char *root; /* folder for libvirt's own files and our lock; made if missing */
	const char *user; /* account QEMU runs as when we are root; NULL: root.  Else it is ours */
	const char *emulator; /* NULL: libvirt's choice for x86_64 */
	bool no_kvm;	      /* use TCG even where KVM works */
	void (*on_event)(void *arg, const struct hypervisor_event *ev); /* may be NULL */
	void (*on_link)(void *arg, bool is_up);				/* may be NULL */
	void *arg;
};

/**
 * hypervisor_start() - take the lock, connect, learn what the host can do
 * @opened: runs once.  On failure only hypervisor_stop() may follow
 *
 * Return: 0 and *@ret; else nothing was started and @opened does not run.
 */
int hypervisor_start(struct hypervisor **ret, uv_loop_t *loop, const struct hypervisor_options *o,
		     hypervisor_done_fn opened, void *arg, struct err *e);

/*
 * Let running operations end (their callbacks run), disconnect, free; @done runs once, from the loop.
 * Domains go on running.  With NULL @done runs before this returns.
 */
void hypervisor_stop(struct hypervisor *h, void (*done)(void *arg), void *arg);

/*
 * Why nothing can be asked of libvirt now; NULL while the connection is there.  One that is lost (libvirtd ended, or does
 * not answer) is made again, with events and all, for as long as it takes; on_link tells both.  What was under way when it
 * was lost fails, whatever came of it; what ended meanwhile is told by no event.
 */
const char *hypervisor_trouble(const struct hypervisor *h);

/* What the host can do; valid from a successful @opened until hypervisor_stop(). */
const struct host_caps *hypervisor_caps(const struct hypervisor *h);

/*
 * Define (or redefine, if it is stopped) the domain in @xml (copied).  libvirt validates it against its schema;
 * then it is read back and must still have every element, or the definition is taken back: ERR_HYPERVISOR.
 */
void hypervisor_define(struct hypervisor *h, const char *name, const char *xml,
		       hypervisor_done_fn done, void *arg);

/* Start a defined domain.  Already running: ERR_BAD_STATE.  The result has its pid. */
void hypervisor_run(struct hypervisor *h, const char *name, hypervisor_done_fn done, void *arg);

/* End its process at once; done when it is reaped.  Not running is not an error. */
void hypervisor_kill(struct hypervisor *h, const char *name, hypervisor_done_fn done, void *arg);

/*
 * Press its power button (ACPI); what comes of it is an event, or nothing.  Not running is not an error.
 * It may wait for a QEMU that hangs: hypervisor_kill() does not wait for it.
 */
void hypervisor_press(struct hypervisor *h, const char *name, hypervisor_done_fn done, void *arg);

/* Remove the definition of a stopped domain.  Absent is not an error; running: ERR_BAD_STATE. */
void hypervisor_forget(struct hypervisor *h, const char *name, hypervisor_done_fn done, void *arg);

/* How one domain is: never fails for an absent one (HYPERVISOR_ABSENT). */
void hypervisor_query(struct hypervisor *h, const char *name, hypervisor_done_fn done, void *arg);

/* All domains of this connection. */
void hypervisor_list(struct hypervisor *h, hypervisor_done_fn done, void *arg);

/* Let go on each VM that QEMU holds because its disk could not be written; the result lists them. */
void hypervisor_resume_held(struct hypervisor *h, hypervisor_done_fn done, void *arg);

/* Where libvirt keeps QEMU's own messages of a domain (its argv and stderr).  Return: 0, -ENAMETOOLONG. */
int hypervisor_log_path(const struct hypervisor *h, const char *name, char *ret, size_t size);
