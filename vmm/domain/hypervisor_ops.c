/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/hypervisor_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/file.h"
#include "base/inject.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "base/time.h"
#include "domain/domain_readback.h"
#include "domain/gist.h"

enum { RETRY_MS = 200, PID_FILE_MAX = 32 };

static void domain_unref(virDomainPtr d)
{
	(void)virDomainFree(d);
}

DEFINE_AUTO(virDomainPtr, domain, domain_unref);
#define auto_domain __attribute__((cleanup(auto_domain_fn)))

int hypervisor_error(struct err *e, const char *fmt, ...)
{
	char doing[160], what[GIST_SIZE];
	va_list ap;

	va_start(ap, fmt);
	/* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): it does not see va_start() */
	(void)vsnprintf(doing, sizeof(doing), fmt, ap);
	va_end(ap);
	return err_set(e, ERR_HYPERVISOR, "%s: %s", doing, gist_of(virGetLastErrorMessage(), what));
}

/* Find the domain of @op.  Return: 1, 0 if there is none, or negative. */
static int find(struct hypervisor_link *l, const struct hypervisor_op *op, virDomainPtr *ret,
		struct err *e)
{
	virDomainPtr d = virDomainLookupByName(l->conn, op->name);

	if (!d && virGetLastErrorCode() == VIR_ERR_NO_DOMAIN)
		return 0;
	if (!d)
		return hypervisor_error(e, "domain '%s'", op->name);
	*ret = d;
	return 1;
}

static int must_find(struct hypervisor_link *l, const struct hypervisor_op *op, virDomainPtr *ret,
		     struct err *e)
{
	int rc = find(l, op, ret, e);

	return rc ? rc : err_set(e, ERR_NOT_FOUND, "libvirt has no domain '%s'", op->name);
}

/*
 * Is it worth another try?  After a reopen a domain may be held by the thread that reconnects to its QEMU;
 * libvirt itself waits 30 s for that and then gives up.
 */
static bool should_retry(uint64_t deadline)
{
	const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };

	if (virGetLastErrorCode() != VIR_ERR_OPERATION_TIMEOUT || time_mono_ms() >= deadline)
		return false;
	(void)nanosleep(&pause, NULL);
	return true;
}

/* libvirt keeps it beside the state of the running domain. */
static pid_t read_pid(const struct hypervisor_link *l, const char *name)
{
	auto_buf struct buf b = BUF_MAX(PID_FILE_MAX);
	char path[512];
	uint32_t pid;

	if (str_format(path, sizeof(path), "%s/qemu/%s.pid",
		       l->is_embedded ? l->root : "/run/libvirt", name) < 0)
		return 0;
	if (l->is_embedded &&
	    str_format(path, sizeof(path), "%s/run/qemu/%s.pid", l->root, name) < 0)
		return 0;
	if (file_read(AT_FDCWD, path, PID_FILE_MAX, &b, NULL) != 0 || b.n == 0)
		return 0;
	b.p[strcspn((char *)b.p, "\n")] = 0;
	return num_parse_u32((const char *)b.p, 1, INT32_MAX, &pid) == 0 ? (pid_t)pid : 0;
}

static enum hypervisor_reason reason_of_state(int reason)
{
	switch (reason) {
	case VIR_DOMAIN_SHUTOFF_SHUTDOWN:
		return HYPERVISOR_REASON_SHUTDOWN;
	case VIR_DOMAIN_SHUTOFF_DESTROYED:
		return HYPERVISOR_REASON_DESTROYED;
	case VIR_DOMAIN_SHUTOFF_CRASHED:
	case VIR_DOMAIN_SHUTOFF_DAEMON:
		return HYPERVISOR_REASON_CRASHED;
	case VIR_DOMAIN_SHUTOFF_FAILED:
		return HYPERVISOR_REASON_FAILED;
	default:
		return HYPERVISOR_REASON_NONE;
	}
}

enum hypervisor_reason hypervisor_reason_of_event(int detail)
{
	switch (detail) {
	case VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN:
		return HYPERVISOR_REASON_SHUTDOWN;
	case VIR_DOMAIN_EVENT_STOPPED_DESTROYED:
		return HYPERVISOR_REASON_DESTROYED;
	case VIR_DOMAIN_EVENT_STOPPED_FAILED:
		return HYPERVISOR_REASON_FAILED;
	default:
		return HYPERVISOR_REASON_CRASHED;
	}
}

enum hypervisor_reason hypervisor_reason_of_shutdown(const char *details)
{
	static const struct {
		const char *text;
		enum hypervisor_reason reason;
	} causes[] = {
		{ "\"guest-shutdown\"", HYPERVISOR_REASON_POWER_OFF },
		{ "\"guest-reset\"", HYPERVISOR_REASON_RESET },
		{ "\"guest-panic\"", HYPERVISOR_REASON_PANIC },
		{ "\"host-signal\"", HYPERVISOR_REASON_HOST },
	};
	size_t i;

	for (i = 0; details && i < sizeof(causes) / sizeof(causes[0]); i++) {
		if (strstr(details, causes[i].text))
			return causes[i].reason;
	}
	return HYPERVISOR_REASON_SHUTDOWN;
}

static int describe(struct hypervisor_link *l, virDomainPtr d, struct hypervisor_domain *ret,
		    struct err *e)
{
	int state = 0, reason = 0;

	*ret = (struct hypervisor_domain){ .state = HYPERVISOR_STOPPED };
	if (virDomainGetState(d, &state, &reason, 0) < 0 ||
	    virDomainGetUUIDString(d, ret->uuid) < 0)
		return hypervisor_error(e, "the state of a domain");
	if (str_copy(ret->name, sizeof(ret->name), virDomainGetName(d)) < 0)
		return err_set(e, ERR_HYPERVISOR, "a domain has a longer name than ours have");
	if (state == VIR_DOMAIN_SHUTOFF || state == VIR_DOMAIN_CRASHED) {
		ret->reason = reason_of_state(reason);
		return 0;
	}
	ret->state = HYPERVISOR_RUNNING;
	ret->is_ending = state == VIR_DOMAIN_SHUTDOWN;
	ret->pid = read_pid(l, ret->name);
	return 0;
}

/* The one domain of the result. */
static int give(struct hypervisor_link *l, struct hypervisor_op *op, virDomainPtr d, struct err *e)
{
	op->domains = xnew(struct hypervisor_domain);
	op->n_domains = 1;
	if (d)
		return describe(l, d, op->domains, e);
	(void)str_copy(op->domains->name, sizeof(op->domains->name), op->name);
	op->domains->state = HYPERVISOR_ABSENT;
	return 0;
}

static int check_readback(virDomainPtr d, const char *sent, struct err *e)
{
	auto_free char *got =
		virDomainGetXMLDesc(d, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);

	if (!got)
		return hypervisor_error(e, "reading it back");
	return domain_readback(sent, got, e);
}

int hypervisor_op_define(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e)
{
	auto_domain virDomainPtr old = NULL, d = NULL;
	int rc = find(l, op, &old, e);

	if (rc < 0)
		return rc;
	if (rc == 1 && virDomainIsActive(old) == 1)
		return err_set(e, ERR_BAD_STATE, "domain '%s' is running; stop it first", op->name);
	inject_point("domain.define");
	d = virDomainDefineXMLFlags(l->conn, op->xml, VIR_DOMAIN_DEFINE_VALIDATE);
	if (!d)
		return hypervisor_error(e, "libvirt refuses domain '%s'", op->name);
	inject_point("domain.defined");
	rc = check_readback(d, op->xml, e);
	if (rc < 0) {
		(void)virDomainUndefine(d);
		return err_wrap(e, rc, "domain '%s'", op->name);
	}
	return give(l, op, d, e);
}

int hypervisor_op_run(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e)
{
	uint64_t deadline = time_mono_ms() + HYPERVISOR_BUSY_MS;
	auto_domain virDomainPtr d = NULL;
	int rc = must_find(l, op, &d, e);

	if (rc < 0)
		return rc;
	inject_point("domain.run");
	do {
		if (virDomainIsActive(d) == 1)
			return err_set(e, ERR_BAD_STATE, "domain '%s' is running already",
				       op->name);
		rc = virDomainCreate(d);
	} while (rc < 0 && should_retry(deadline));
	if (rc < 0)
		return hypervisor_error(e, "domain '%s' does not start", op->name);
	inject_point("domain.running");
	return give(l, op, d, e);
}

int hypervisor_op_kill(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e)
{
	uint64_t deadline = time_mono_ms() + HYPERVISOR_BUSY_MS;
	auto_domain virDomainPtr d = NULL;
	int rc = find(l, op, &d, e);

	if (rc < 0)
		return rc;
	inject_point("domain.kill");
	while (d && virDomainIsActive(d) == 1 && virDomainDestroy(d) < 0) {
		if (virGetLastErrorCode() == VIR_ERR_OPERATION_INVALID)
			break; /* it ended by itself meanwhile */
		if (!should_retry(deadline))
			return hypervisor_error(e, "domain '%s' does not end", op->name);
	}
	inject_point("domain.killed");
	return give(l, op, d, e);
}

int hypervisor_op_press(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e)
{
	auto_domain virDomainPtr d = NULL;
	int rc = find(l, op, &d, e);

	if (rc < 0)
		return rc;
	if (d && virDomainIsActive(d) == 1 &&
	    virDomainShutdownFlags(d, VIR_DOMAIN_SHUTDOWN_ACPI_POWER_BTN) < 0 &&
	    virGetLastErrorCode() != VIR_ERR_OPERATION_INVALID) /* it ended by itself meanwhile */
		return hypervisor_error(e, "the power button of domain '%s'", op->name);
	return give(l, op, d, e);
}

int hypervisor_op_forget(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e)
{
	auto_domain virDomainPtr d = NULL;
	int rc = find(l, op, &d, e);

	if (rc < 0)
		return rc;
	if (d && virDomainIsActive(d) == 1)
		return err_set(e, ERR_BAD_STATE, "domain '%s' is running; stop it first", op->name);
	inject_point("domain.forget");
	if (d && virDomainUndefine(d) < 0)
		return hypervisor_error(e, "libvirt keeps domain '%s'", op->name);
	inject_point("domain.forgotten");
	return give(l, op, NULL, e);
}

int hypervisor_op_query(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e)
{
	auto_domain virDomainPtr d = NULL;
	int rc = find(l, op, &d, e);

	return rc < 0 ? rc : give(l, op, d, e);
}

int hypervisor_op_list(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e)
{
	virDomainPtr *list = NULL;
	int n = virConnectListAllDomains(l->conn, &list, 0), i;

	if (n < 0)
		return hypervisor_error(e, "libvirt lists no domains");
	op->domains = xcalloc((size_t)n + 1, sizeof(*op->domains));
	for (i = 0; i < n; i++) {
		/* one that goes away meanwhile, or is not ours, is not in the list */
		if (describe(l, list[i], &op->domains[op->n_domains], NULL) == 0)
			op->n_domains++;
		domain_unref(list[i]);
	}
	free(list);
	(void)e;
	return 0;
}

static bool is_held(virDomainPtr d)
{
	int state = 0, reason = 0;

	return virDomainGetState(d, &state, &reason, 0) == 0 && state == VIR_DOMAIN_PAUSED &&
	       reason == VIR_DOMAIN_PAUSED_IOERROR;
}

/* One that has no room still is held again at once, and is found at the next time. */
int hypervisor_op_resume_held(struct hypervisor_link *l, struct hypervisor_op *op, struct err *e)
{
	virDomainPtr *list = NULL;
	int n = virConnectListAllDomains(l->conn, &list, VIR_CONNECT_LIST_DOMAINS_PAUSED), i;

	if (n < 0)
		return hypervisor_error(e, "libvirt lists no domains");
	op->domains = xcalloc((size_t)n + 1, sizeof(*op->domains));
	for (i = 0; i < n; i++) {
		if (is_held(list[i]) && virDomainResume(list[i]) == 0 &&
		    describe(l, list[i], &op->domains[op->n_domains], NULL) == 0)
			op->n_domains++;
		(void)virDomainFree(list[i]);
	}
	free(list);
	return 0;
}
