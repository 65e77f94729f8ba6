/* SPDX-License-Identifier: Apache-2.0 */
/* check_hypervisor: what baileyd says of itself, of QEMU, of libvirt */
#include "check/check_parts.h"

#include <string.h>
#include <unistd.h>

#include "base/str.h"

void check_baileyd(const struct check_host *h, struct check_row *r)
{
	if (!h->facts)
		check_bad(r, CHECK_MISSING,
			  "install baileyd, or name its configuration with --config and mend it",
			  "%.220s", h->facts_why ? h->facts_why : "it was not asked");
	else if (h->is_serving)
		check_ok(r, "%s runs as %.40s and answers at %.120s", check_fact(h, "version"),
			 check_fact(h, "user"), check_fact(h, "socket"));
	else
		check_bad(r, CHECK_WARN, "start it: systemctl enable --now baileyd",
			  "%s is installed; it does not answer at %.120s", check_fact(h, "version"),
			  check_fact(h, "socket"));
}

/* Without facts these rows cannot be told; the row baileyd says what to do. */
static bool knows(const struct check_host *h, struct check_row *r, const char *what,
		  const char *remedy)
{
	const char *error = check_fact(h, "error");

	if (*what)
		return true;
	if (h->facts && *error)
		check_bad(r, CHECK_MISSING, remedy, "%.220s", error);
	else
		check_bad(r, CHECK_MISSING, "", "not known: baileyd could not be asked");
	return false;
}

void check_qemu(const struct check_host *h, struct check_row *r)
{
	const char *version = check_fact(h, "qemu");

	if (knows(h, r, version, "install qemu-system-x86, or set qemu.path"))
		check_ok(r, "%s (%.180s)", version, check_fact(h, "emulator"));
}

void check_qemu_tdx(const struct check_host *h, struct check_row *r)
{
	if (!knows(h, r, check_fact(h, "qemu"), "install QEMU 10.1 or later, or set qemu.path"))
		return;
	if (str_equal(check_fact(h, "tdx"), "none"))
		check_bad(r, CHECK_MISSING, "install QEMU 10.1 or later, or set qemu.path to one",
			  "QEMU %s has no tdx-guest", check_fact(h, "qemu"));
	else
		check_ok(r, "tdx-guest is there");
}

void check_libvirt(const struct check_host *h, struct check_row *r)
{
	const char *version = check_fact(h, "libvirt");

	if (*check_fact(h, "libvirt_trouble"))
		check_bad(r, CHECK_MISSING,
			  "start it: systemctl status libvirtd (or virtqemud) says why it is away; "
			  "VMs go on meanwhile",
			  "%.220s", check_fact(h, "libvirt_trouble"));
	else if (knows(h, r, version,
		       "install libvirt-daemon-driver-qemu and libvirt-daemon-system (user "
		       "libvirt-qemu)"))
		check_ok(r, "%s (%.100s)", version, check_fact(h, "libvirt_uri"));
}

void check_libvirt_tdx(const struct check_host *h, struct check_row *r)
{
	const char *tdx = check_fact(h, "tdx");

	if (!knows(h, r, check_fact(h, "libvirt"), "install libvirt"))
		return;
	if (str_equal(tdx, "libvirt"))
		check_ok(r, "launchSecurity type tdx");
	else
		check_bad(r, CHECK_WARN,
			  "nothing must be done: Bailey passes tdx-guest to QEMU itself; libvirt "
			  "has it from 11.6 on",
			  "libvirt %s does not name TDX", check_fact(h, "libvirt"));
}

void check_vsock(const struct check_host *h, struct check_row *r)
{
	const char *program = check_fact(h, "vsock_program");
	bool wants_kernel = str_equal(check_fact(h, "vsock"), "kernel");

	if (check_is(h, "kernel_vsock") ||
	    (!h->facts && check_may(h, "/dev/vhost-vsock", R_OK | W_OK)))
		check_ok(r, "/dev/vhost-vsock");
	else if (wants_kernel)
		check_bad(r, CHECK_MISSING,
			  "modprobe vhost_vsock and give baileyd's user /dev/vhost-vsock (group "
			  "kvm), or set vsock.carrier: bailey-vsock",
			  "/dev/vhost-vsock does not open, and vsock.carrier is kernel");
	else if (!knows(h, r, check_fact(h, "qemu"), "install qemu-system-x86"))
		return;
	else if (!check_is(h, "vhost_user_vsock"))
		check_bad(r, CHECK_MISSING,
			  "modprobe vhost_vsock, or use a QEMU with vhost-user-vsock-pci",
			  "/dev/vhost-vsock does not open, and this QEMU takes no bailey-vsock");
	else if (!check_may(h, program, X_OK))
		check_bad(r, CHECK_MISSING,
			  "install bailey-vsock beside baileyd, or set vsock.program",
			  "/dev/vhost-vsock does not open, and there is no %.120s", program);
	else
		check_ok(r, "%.180s, a process for each VM", program);
}

static bool in_path(const struct check_host *h, const char *program)
{
	static const char *const folders[] = { "/usr/local/sbin", "/usr/local/bin", "/usr/sbin",
					       "/usr/bin",	  "/sbin",	    "/bin" };
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		if (str_format(path, sizeof(path), "%s/%s", folders[i], program) > 0 &&
		    check_may(h, path, X_OK))
			return true;
	}
	return false;
}

void check_tools(const struct check_host *h, struct check_row *r)
{
	static const struct {
		const char *program, *package;
	} tools[] = { { "qemu-img", "qemu-utils" },
		      { "mkfs.vfat", "dosfstools" },
		      { "mcopy", "mtools" } };
	char missing[64] = "", remedy[CHECK_REMEDY_MAX] = "apt-get install";
	size_t i;

	for (i = 0; i < sizeof(tools) / sizeof(*tools); i++) {
		if (in_path(h, tools[i].program))
			continue;
		(void)strncat(missing, *missing ? ", " : "", 3);
		(void)strncat(missing, tools[i].program, 16);
		(void)strncat(remedy, " ", 2);
		(void)strncat(remedy, tools[i].package, 32);
	}
	if (*missing)
		check_bad(r, CHECK_MISSING, remedy, "not found: %s", missing);
	else
		check_ok(r, "qemu-img, mkfs.vfat, mcopy");
}
