/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hypervisor_parts: what hypervisor's files share; nobody else's
 *
 *	hypervisor.c	   the loop's side: operations in order, callbacks, the end
 *	hypervisor_open.c  a worker's: folders, lock, connection
 *	hypervisor_ops.c   a worker's: the operations
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include <libvirt/libvirt-qemu.h>
#include <libvirt/libvirt.h>

#include "domain/hypervisor.h"

/* Set before the first worker runs, but for conn, found and lock_fd, which opening and closing set. */
struct hypervisor_link {
	char *uri, *root, *user, *emulator; /* user, emulator: may be NULL */
	bool is_embedded, no_kvm, has_close;
	int lock_fd;
	virConnectPtr conn;
	int event_id, shutdown_id; /* -1: none */
	virConnectDomainEventCallback on_event;
	virConnectDomainQemuMonitorEventCallback on_shutdown;
	virConnectCloseFunc on_close; /* on any thread */
	void *event_arg;
	struct host_caps found;
};

struct hypervisor_op;
typedef int (*hypervisor_op_fn)(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e);

/* One operation.  While a worker runs it, the worker owns all but link and is_running. */
struct hypervisor_op {
	TAILQ_ENTRY(hypervisor_op) link;
	struct hypervisor *h;
	bool is_running;
	hypervisor_op_fn run;
	char name[HYPERVISOR_NAME_MAX + 1]; /* "": of no one domain */
	char *xml;
	hypervisor_done_fn done;
	void *arg;
	struct err err;
	int rc;
	struct hypervisor_domain *domains;
	size_t n_domains;
};

/* err from libvirt's last error: @code, "doing: what it said". */
int hypervisor_error(struct err *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), cold));

/* hypervisor_open.c.  Opening closes what was open before; closing needs an open no more. */
int hypervisor_op_open(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e);
int hypervisor_op_close(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e);

/* hypervisor_ops.c */
int hypervisor_op_define(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e);
int hypervisor_op_run(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e);
int hypervisor_op_kill(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e);
int hypervisor_op_press(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e);
int hypervisor_op_forget(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e);
int hypervisor_op_query(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e);
int hypervisor_op_list(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e);
int hypervisor_op_resume_held(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e);
enum hypervisor_reason hypervisor_reason_of_event(int detail);

/* What QEMU's SHUTDOWN event says of itself: {"guest": true, "reason": "guest-reset"}. */
enum hypervisor_reason hypervisor_reason_of_shutdown(const char *details);
