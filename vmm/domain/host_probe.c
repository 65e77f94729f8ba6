/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/host_probe.h"

#include <fcntl.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "domain/kvm_probe.h"
#include "domain/xml_walk.h"
#include "loop/child.h"

#define CAPS "/domainCapabilities"

enum { QEMU_MS = 60 * 1000, HELP_MAX = 256 * 1024, LIBVIRT_12 = 12000000 };

struct caps_walk {
	struct host_caps *caps;
	bool is_supported, is_sectype; /* of the launchSecurity, enum we are in */
};

static int on_caps(void *arg, const char *path, const char *attribute, const char *value)
{
	struct caps_walk *w = arg;

	if (!value)
		return 0;
	if (str_equal(path, CAPS "/path") && !attribute)
		return str_copy(w->caps->emulator, sizeof(w->caps->emulator), value) < 0;
	if (str_equal(path, CAPS "/machine") && !attribute)
		return str_copy(w->caps->machine, sizeof(w->caps->machine), value) < 0;
	if (str_equal(path, CAPS "/features/launchSecurity") && attribute &&
	    str_equal(attribute, "supported"))
		w->is_supported = str_equal(value, "yes");
	else if (str_equal(path, CAPS "/features/launchSecurity/enum") && attribute)
		w->is_sectype = str_equal(attribute, "name") && str_equal(value, "sectype");
	else if (str_equal(path, CAPS "/features/launchSecurity/enum/value") && w->is_supported &&
		 w->is_sectype && str_equal(value, "tdx"))
		w->caps->tdx = HOST_TDX_LIBVIRT;
	return 0;
}

int host_probe_read_caps(const char *xml, struct host_caps *caps, struct err *e)
{
	struct caps_walk w = { .caps = caps };

	if (xml_walk(xml, on_caps, &w) != 0 || !caps->emulator[0] || !caps->machine[0])
		return err_set(e, ERR_HYPERVISOR, "libvirt's domain capabilities cannot be read");
	return 0;
}

static int on_model(void *arg, const char *path, const char *attribute, const char *value)
{
	struct host_caps *caps = arg;

	if (value && !attribute && str_equal(path, "/capabilities/host/secmodel/model") &&
	    !str_equal(value, "dac") && !str_equal(value, "none"))
		return str_copy(caps->confinement, sizeof(caps->confinement), value) < 0;
	return 0;
}

int host_probe_read_models(const char *xml, struct host_caps *caps, struct err *e)
{
	if (xml_walk(xml, on_model, caps) != 0)
		return err_set(e, ERR_HYPERVISOR, "libvirt's capabilities cannot be read");
	return 0;
}

int host_probe_system(virConnectPtr conn, struct host_caps *caps, struct err *e)
{
	auto_free char *xml = virConnectGetCapabilities(conn);

	if (!xml)
		return err_set(e, ERR_HYPERVISOR, "libvirt tells no capabilities: %s",
			       virGetLastErrorMessage());
	(void)str_format(caps->owner, sizeof(caps->owner), "+%u:+%u", geteuid(), getegid());
	return host_probe_read_models(xml, caps, e);
}

int host_probe_read_version(const char *text, struct host_caps *caps, struct err *e)
{
	const char *at = strstr(text, "version "), *end;
	unsigned int n = 0;
	size_t digits;

	end = at = at ? at + strlen("version ") : "";
	do { /* three numbers with dots between */
		digits = strspn(end, "0123456789");
		n++;
		end += digits;
	} while (digits > 0 && digits < 5 && n < 3 && *end++ == '.');
	if (n != 3 || digits == 0 || digits >= 5)
		return err_set(e, ERR_HYPERVISOR, "%s does not say its version", caps->emulator);
	(void)str_format(caps->qemu_version, sizeof(caps->qemu_version), "%.*s", (int)(end - at),
			 at);
	return 0;
}

void host_probe_explain_tdx(struct host_caps *c)
{
	auto_buf struct buf b = BUF_MAX(sizeof(c->tdx_why) - 1);

	/* cut short when it is longer than the field, which it is not */
	if (!c->has_kvm)
		(void)buf_add_str(&b, "KVM does not work; ");
	if (!c->has_kernel_tdx)
		(void)buf_add_str(&b,
				  "the kernel has no TDX (kvm_intel.tdx=1 on a CPU that has it); ");
	if (c->tdx == HOST_TDX_NONE)
		(void)buf_addf(&b, "QEMU %s has no tdx-guest (10.1 has); ", c->qemu_version);
	if (b.n >= 2)
		b.p[b.n - 2] = 0;
	(void)str_copy(c->tdx_why, sizeof(c->tdx_why), b.n ? (const char *)b.p : "");
}

static int qemu(const char *emulator, const char *option, const char *value, struct buf *ret,
		struct err *e)
{
	const char *const argv[] = { emulator, option, value, NULL };
	const struct child_options o = { .argv = argv,
					 .timeout_ms = QEMU_MS,
					 .output_max = HELP_MAX };

	return child_must(&o, ret, e);
}

static bool qemu_lists(const char *emulator, const char *option, const char *what)
{
	auto_buf struct buf out = BUF_MAX(HELP_MAX);

	return qemu(emulator, option, "help", &out, NULL) == 0 && out.n &&
	       strstr((const char *)out.p, what);
}

static bool kernel_has_tdx(void)
{
	auto_buf struct buf b = BUF_MAX(16);

	return file_read(AT_FDCWD, "/sys/module/kvm_intel/parameters/tdx", 16, &b, NULL) == 0 &&
	       b.n && strchr("Y1", b.p[0]);
}

static bool kernel_has_vsock(void)
{
	auto_close int fd = open("/dev/vhost-vsock", O_RDWR | O_CLOEXEC);

	return fd >= 0;
}

/* Ask for @accel ("kvm" or "qemu"). */
static int ask_libvirt(virConnectPtr conn, const char *emulator, const char *accel,
		       struct host_caps *caps, struct err *e)
{
	auto_free char *xml =
		virConnectGetDomainCapabilities(conn, emulator, "x86_64", "q35", accel, 0);

	if (!xml)
		return err_set(e, ERR_HYPERVISOR, "libvirt has no QEMU for x86_64 (%s): %s", accel,
			       virGetLastErrorMessage());
	return host_probe_read_caps(xml, caps, e);
}

static int probe_accel(virConnectPtr conn, const char *emulator, bool no_kvm,
		       struct host_caps *caps, struct err *e)
{
	struct err why = ERR_NONE;
	char text[100] = "not asked for";

	caps->has_kvm = !no_kvm && kvm_probe(text, sizeof(text));
	if (caps->has_kvm && ask_libvirt(conn, emulator, "kvm", caps, &why) == 0) {
		(void)str_format(caps->accel_why, sizeof(caps->accel_why), "kvm: %s", text);
		return 0;
	}
	(void)str_format(caps->accel_why, sizeof(caps->accel_why), "tcg: %.150s",
			 caps->has_kvm ? why.text : text);
	caps->has_kvm = false;
	return ask_libvirt(conn, emulator, "qemu", caps, e);
}

int host_probe(virConnectPtr conn, const char *emulator, bool no_kvm, struct host_caps *ret,
	       struct err *e)
{
	struct host_caps caps = { .has_kernel_tdx = kernel_has_tdx(),
				  .has_kernel_vsock = kernel_has_vsock() };
	auto_buf struct buf version = BUF_MAX(HELP_MAX);
	unsigned long v = 0;
	int rc;

	rc = probe_accel(conn, emulator, no_kvm, &caps, e);
	if (rc == 0)
		rc = qemu(caps.emulator, "--version", NULL, &version, e);
	if (rc == 0)
		rc = host_probe_read_version(version.n ? (const char *)version.p : "", &caps, e);
	if (rc != 0)
		return rc;
	if (virConnectGetLibVersion(conn, &v) == 0) {
		/* There is nothing to ask it for this: 9.0 and 11.3 have it, 12.8 does not. */
		caps.reads_cpu_at_once = v < LIBVIRT_12;
		(void)str_format(caps.libvirt_version, sizeof(caps.libvirt_version), "%lu.%lu.%lu",
				 v / 1000000, v / 1000 % 1000, v % 1000);
	}
	caps.has_vhost_user_vsock =
		qemu_lists(caps.emulator, "-device", "\"vhost-user-vsock-pci\"");
	if (caps.tdx == HOST_TDX_NONE && qemu_lists(caps.emulator, "-object", "tdx-guest"))
		caps.tdx = HOST_TDX_COMMANDLINE;
	host_probe_explain_tdx(&caps);
	*ret = caps;
	return 0;
}
