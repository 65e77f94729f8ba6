/* SPDX-License-Identifier: Apache-2.0 */
/* check_cpu: CPU, kernel and KVM */
#include "check/check_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/str.h"

/* The words of the first line of /proc/cpuinfo that is named flags. */
bool check_cpu_has(const struct check_host *h, const char *flag)
{
	auto_buf struct buf b = BUF_MAX(0);
	const char *line, *end, *at;
	size_t n = strlen(flag);

	if (check_read(h, "/proc/cpuinfo", &b) != 0 || !b.n)
		return false;
	line = strstr((const char *)b.p, "\nflags");
	end = line ? strchrnul(line + 1, '\n') : NULL;
	for (at = line; at && (at = strstr(at, flag)) && at < end; at += n) {
		if (at[-1] == ' ' && (at[n] == ' ' || at[n] == '\n' || !at[n]))
			return true;
	}
	return false;
}

static bool is_intel(const struct check_host *h)
{
	auto_buf struct buf b = BUF_MAX(0);

	return check_read(h, "/proc/cpuinfo", &b) == 0 && b.n &&
	       strstr((const char *)b.p, "GenuineIntel");
}

void check_cpu_virtualization(const struct check_host *h, struct check_row *r)
{
	if (check_cpu_has(h, "vmx"))
		check_ok(r, "VMX");
	else if (check_cpu_has(h, "svm"))
		check_ok(r, "SVM (AMD: no TDX)");
	else
		check_bad(r, CHECK_MISSING,
			  "switch virtualization on in the firmware; if this host is a VM, switch "
			  "nested virtualization on for it",
			  "the CPU shows neither VMX nor SVM; VMs without a TEE run by emulation");
}

void check_cpu_tdx(const struct check_host *h, struct check_row *r)
{
	if (check_cpu_has(h, "tdx_host_platform"))
		check_ok(r, "the CPU is a TDX host");
	else if (!is_intel(h))
		check_bad(r, CHECK_MISSING,
			  "use a host with a Xeon of the 4th generation or later "
			  "that has TDX",
			  "not an Intel CPU");
	else
		check_bad(r, CHECK_MISSING,
			  "in the firmware switch on TME-MT, TDX and the SEAM loader, and give TDX "
			  "key ids; the kernel shows it from 6.8 on",
			  "the CPU does not show tdx_host_platform");
}

void check_kernel_tdx(const struct check_host *h, struct check_row *r)
{
	static const char *const path = "/sys/module/kvm_intel/parameters/tdx";
	auto_buf struct buf b = BUF_MAX(0);

	if (check_read(h, path, &b) == 0 && b.n && strchr("Y1", b.p[0]))
		check_ok(r, "kvm_intel.tdx is on");
	else if (b.n)
		check_bad(r, CHECK_MISSING,
			  "boot with kvm_intel.tdx=1, or put \"options kvm_intel tdx=1\" into "
			  "/etc/modprobe.d/kvm.conf; dmesg | grep -i tdx says what else is wrong",
			  "kvm_intel.tdx is off");
	else if (check_may(h, "/sys/module/kvm_intel", 0))
		check_bad(r, CHECK_MISSING,
			  "use a kernel of 6.16 or later with CONFIG_INTEL_TDX_HOST",
			  "this kernel's kvm_intel knows no TDX");
	else
		check_bad(r, CHECK_MISSING,
			  "modprobe kvm_intel; TDX needs a kernel of 6.16 or later",
			  "kvm_intel is not loaded");
}

static int try_open(const struct check_host *h, const char *path)
{
	char full[PATH_MAX];
	auto_close int fd = open(check_path(h, path, full), O_RDWR | O_CLOEXEC);

	return fd < 0 ? errno : 0;
}

void check_kvm(const struct check_host *h, struct check_row *r)
{
	int error = try_open(h, "/dev/kvm");

	if (check_is(h, "kvm"))
		check_ok(r, "works: %.200s", check_fact(h, "accel"));
	else if (error == ENOENT || error == ENXIO || error == ENODEV)
		check_bad(r, CHECK_MISSING,
			  "modprobe kvm_intel (or kvm_amd); in a container, hand /dev/kvm in",
			  "there is no /dev/kvm; VMs without a TEE run by emulation, slowly");
	else if (error)
		check_bad(r, CHECK_MISSING,
			  "add baileyd's and QEMU's user to the group of /dev/kvm: usermod -aG kvm "
			  "bailey; usermod -aG kvm libvirt-qemu",
			  "/dev/kvm may not be used: %s", err_name(-error));
	else if (h->facts && *check_fact(h, "accel"))
		check_bad(r, CHECK_MISSING,
			  "if this host is a VM, see that its own host nests virtualization well; "
			  "set qemu.accel: auto if it was set to tcg",
			  "/dev/kvm opens, but KVM is not used: %.160s", check_fact(h, "accel"));
	else
		check_bad(r, CHECK_WARN, "", "/dev/kvm opens; whether a guest runs was not tried");
}

void check_entropy(const struct check_host *h, struct check_row *r)
{
	auto_buf struct buf b = BUF_MAX(0);
	uint32_t bits = 0;
	char *text;

	if (check_read(h, "/proc/sys/kernel/random/entropy_avail", &b) != 0 || !b.n) {
		check_bad(r, CHECK_WARN, "mount /proc", "the kernel does not tell");
		return;
	}
	text = (char *)b.p;
	text[strcspn(text, "\n")] = 0;
	(void)num_parse_u32(text, 0, UINT32_MAX, &bits);
	if (bits >= 128)
		check_ok(r, "%u bits", bits);
	else
		check_bad(r, CHECK_WARN,
			  "wait for the end of the boot, or give the host a source: rng-tools, a "
			  "virtio-rng device",
			  "%u bits: keys made now would wait", bits);
}
