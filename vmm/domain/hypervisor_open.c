/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The embedded driver keeps all its files under one root, and a second driver on the same root would start to
 * manage the first one's domains: so the root is locked before it is opened.
 */
#include "domain/hypervisor_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/inject.h"
#include "base/mem.h"
#include "base/str.h"
#include "domain/host_probe.h"

enum { CONF_MAX = 4096, PATH_SIZE = 4096, KEEPALIVE_S = 5, KEEPALIVE_MISSED = 5 };

/* libvirt prints each error to stderr unless told otherwise; ours reach the operator by return. */
static void be_silent(void *arg, virErrorPtr error)
{
	(void)arg;
	(void)error;
}

static int take_lock(struct hypervisor_link *l, struct err *e)
{
	char path[PATH_SIZE], pid[16] = "";
	auto_close int fd = -1;
	ssize_t n;

	if (str_format(path, sizeof(path), "%s/lock", l->root) < 0)
		return err_set(e, -ENAMETOOLONG, "libvirt's folder has too long a name");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_errno(e, errno, "cannot open %s", path);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		n = fd_read_full(fd, pid, sizeof(pid) - 1);
		if (errno != EWOULDBLOCK)
			return err_errno(e, errno, "cannot lock %s", path);
		return err_set(e, ERR_CONFLICT,
			       "another daemon (process %s) uses %s; stop it, or give this one "
			       "another state folder",
			       n > 0 ? pid : "unknown", l->root);
	}
	(void)str_format(pid, sizeof(pid), "%d", (int)getpid());
	/* In place first: on a full disk a block that was given back is gone. */
	if (pwrite(fd, pid, strlen(pid), 0) != (ssize_t)strlen(pid) ||
	    ftruncate(fd, (off_t)strlen(pid)) != 0)
		return err_errno(e, errno, "cannot write %s", path);
	l->lock_fd = steal_fd(&fd);
	return 0;
}

/*
 * As root libvirt would run QEMU as libvirt-qemu and hand it the files it knows of.  It does not know of those on
 * QEMU's command line, so QEMU runs as the given user, who must be able to reach the VM's folder.  Where we are not
 * root, QEMU is who we are.
 */
static int write_conf(const struct hypervisor_link *l, struct err *e)
{
	const char *user = l->user ? l->user : "root";
	auto_free char *dir = xasprintf("%s/etc", l->root);
	auto_free char *path = xasprintf("%s/qemu.conf", dir);
	auto_buf struct buf b = BUF_MAX(CONF_MAX), old = BUF_MAX(CONF_MAX);
	auto_close int etc = -1;
	int rc;

	etc = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (etc >= 0)
		(void)file_sweep(etc, NULL); /* of one that died at this place */
	rc = buf_add_str(
		&b, "# written by baileyd at each start\n"
		    "stdio_handler = \"file\"\nsecurity_driver = \"none\"\nremember_owner = 0\n");
	if (rc == 0 && geteuid() == 0)
		rc = buf_addf(&b, "user = \"%s\"\ngroup = \"%s\"\ndynamic_ownership = %d\n", user,
			      user, l->user ? 1 : 0);
	if (rc < 0)
		return err_set(e, rc, "account \"%s\" has too long a name", user);
	/* A full disk must not keep the daemon from coming back. */
	if (file_read(AT_FDCWD, path, CONF_MAX, &old, NULL) == 0 && old.n == b.n &&
	    memcmp(old.p, b.p, b.n) == 0)
		return 0;
	return file_replace(AT_FDCWD, path, 0600, b.p, b.n, e);
}

static int prepare_root(struct hypervisor_link *l, struct err *e)
{
	auto_free char *etc = xasprintf("%s/etc", l->root);
	auto_free char *log = xasprintf("%s/log", l->root);
	int rc;

	if (!l->is_embedded)
		return 0;
	rc = file_mkdir_all(etc, 0711, e);
	if (rc == 0)
		rc = file_mkdir_all(log, 0711, e);
	if (rc == 0)
		rc = take_lock(l, e);
	return rc == 0 ? write_conf(l, e) : rc;
}

/* A libvirtd that ends, and one that hangs, are told by on_close; without either an operation that fails tells. */
static void watch_link(struct hypervisor_link *l)
{
	if (l->is_embedded)
		return;
	l->has_close =
		virConnectRegisterCloseCallback(l->conn, l->on_close, l->event_arg, NULL) == 0;
	(void)virConnectSetKeepAlive(l->conn, KEEPALIVE_S, KEEPALIVE_MISSED);
}

int hypervisor_op_open(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e)
{
	int rc = l->conn ? hypervisor_op_close(l, op, NULL) : 0;

	if (rc == 0)
		rc = prepare_root(l, e);
	if (rc != 0)
		return rc;
	inject_point("hypervisor.open");
	virSetErrorFunc(NULL, be_silent);
	l->conn = virConnectOpen(l->uri);
	if (!l->conn)
		return hypervisor_error(e, "cannot open libvirt's %s", l->uri);
	inject_point("hypervisor.opened");
	watch_link(l);
	l->event_id = virConnectDomainEventRegisterAny(
		l->conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
		(virConnectDomainEventGenericCallback)(void (*)(void))l->on_event, l->event_arg,
		NULL);
	if (l->event_id < 0)
		return hypervisor_error(e, "libvirt tells no events");
	/* Who has no right to it does not learn whether a guest powered off or rebooted; all else works. */
	l->shutdown_id = virConnectDomainQemuMonitorEventRegister(
		l->conn, NULL, "SHUTDOWN", l->on_shutdown, l->event_arg, NULL, 0);
	l->found = (struct host_caps){ .has_kvm = false };
	rc = host_probe(l->conn, l->emulator, l->no_kvm, &l->found, e);
	return rc == 0 && !l->is_embedded ? host_probe_system(l->conn, &l->found, e) : rc;
}

int hypervisor_op_close(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e)
{
	(void)op;
	(void)e;
	if (l->conn && l->shutdown_id >= 0)
		(void)virConnectDomainQemuMonitorEventDeregister(l->conn, l->shutdown_id);
	if (l->conn && l->event_id >= 0)
		(void)virConnectDomainEventDeregisterAny(l->conn, l->event_id);
	if (l->conn && l->has_close)
		(void)virConnectUnregisterCloseCallback(l->conn, l->on_close);
	if (l->conn)
		(void)virConnectClose(l->conn);
	l->conn = NULL;
	l->event_id = l->shutdown_id = -1;
	l->has_close = false;
	l->lock_fd = fd_close(l->lock_fd);
	return 0;
}
