/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/vsock_choice.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "domain/hypervisor.h"

static int use_kernel(struct daemon *d, const char *why)
{
	d->vsock = DOMAIN_VSOCK_KERNEL;
	d->vsock_why = why;
	return 0;
}

char *vsock_program(const struct config *c)
{
	char path[PATH_MAX];
	const char *slash;
	ssize_t n;

	if (c->vsock_program)
		return xstrdup(c->vsock_program);
	n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n < 0)
		return NULL;
	path[n] = 0;
	slash = strrchr(path, '/');
	return slash ? xasprintf("%.*s/bailey-vsock", (int)(slash - path), path) : NULL;
}

static int use_program(struct daemon *d, bool is_bailey, const char *why, struct err *e)
{
	if (!hypervisor_caps(d->hypervisor)->has_vhost_user_vsock) {
		return err_set(e, ERR_MISSING,
			       "this QEMU has no vhost-user-vsock-pci; install a QEMU that has, or "
			       "set vsock.carrier: kernel");
	}
	d->vsock_program = vsock_program(d->config);
	if (!d->vsock_program || access(d->vsock_program, X_OK) < 0)
		return err_set(e, ERR_MISSING, "cannot execute %s; set vsock.program",
			       d->vsock_program ? d->vsock_program : "bailey-vsock");
	d->vsock = DOMAIN_VSOCK_VHOST_USER;
	d->is_bailey_vsock = is_bailey;
	d->vsock_why = why;
	return 0;
}

/* The API is worth having without: a start then says what is missing. */
static void use_none(struct daemon *d, const struct err *why)
{
	log_error("vsock: %s; no VM can be started", why->text);
	(void)str_copy(d->vsock_missing, sizeof(d->vsock_missing), why->text);
	free(d->vsock_program);
	d->vsock_program = NULL;
	d->vsock = DOMAIN_VSOCK_NONE;
	d->vsock_why = "none";
}

int vsock_choose(struct daemon *d, struct err *e)
{
	struct err why = ERR_NONE;
	bool has_kernel = hypervisor_caps(d->hypervisor)->has_kernel_vsock;

	switch (d->config->carrier) {
	case CONFIG_CARRIER_KERNEL:
		if (!has_kernel) {
			return err_set(e, ERR_MISSING,
				       "/dev/vhost-vsock does not open; modprobe vhost_vsock, or "
				       "set vsock.carrier: bailey-vsock");
		}
		return use_kernel(d, "the kernel, as configured");
	case CONFIG_CARRIER_BAILEY:
		return use_program(d, true, "bailey-vsock, as configured", e);
	case CONFIG_CARRIER_PROGRAM:
		return use_program(d, false, d->config->vsock_program, e);
	case CONFIG_CARRIER_AUTO:
	default:
		if (has_kernel)
			return use_kernel(d, "the kernel: /dev/vhost-vsock opens");
		if (use_program(d, true, "bailey-vsock: /dev/vhost-vsock does not open", &why))
			use_none(d, &why);
		return 0;
	}
}
