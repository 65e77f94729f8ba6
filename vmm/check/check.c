/* SPDX-License-Identifier: Apache-2.0 */
#include "check/check.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/str.h"
#include "check/check_parts.h"
#include "data/json.h"

struct check {
	const char *name;
	enum check_need need;
	void (*look)(const struct check_host *h, struct check_row *r);
	const char *doc;
};

static const struct check checks[] = {
	{ "baileyd", CHECK_FOR_VMS, check_baileyd,
	  "the daemon is installed, its configuration is right, and it answers" },
	{ "cpu.virtualization", CHECK_FOR_TDX, check_cpu_virtualization, "the CPU has VMX or SVM" },
	{ "kvm", CHECK_FOR_TDX, check_kvm,
	  "KVM is there, may be used, and was seen to run a guest" },
	{ "cpu.tdx", CHECK_FOR_TDX, check_cpu_tdx, "CPU and firmware have TDX switched on" },
	{ "kernel.tdx", CHECK_FOR_TDX, check_kernel_tdx, "the kernel's KVM has TDX switched on" },
	{ "qemu", CHECK_FOR_VMS, check_qemu, "QEMU is there" },
	{ "qemu.tdx", CHECK_FOR_TDX, check_qemu_tdx, "QEMU has the object tdx-guest" },
	{ "libvirt", CHECK_FOR_VMS, check_libvirt, "libvirt's QEMU driver opens" },
	{ "libvirt.tdx", CHECK_FOR_TDX, check_libvirt_tdx,
	  "libvirt's domain capabilities name TDX; without, Bailey says it to QEMU itself" },
	{ "vsock", CHECK_FOR_VMS, check_vsock,
	  "a guest can call its host: /dev/vhost-vsock, or bailey-vsock and a QEMU that takes it" },
	{ "tools", CHECK_FOR_VMS, check_tools, "the programs that make disks and shares" },
	{ "qgs", CHECK_FOR_TDX, check_qgs,
	  "the quote generation service listens: no TDX guest can be attested without" },
	{ "sgx", CHECK_FOR_COMFORT, check_sgx, "SGX devices, for a key provider on this host" },
	{ "key-provider", CHECK_FOR_COMFORT, check_key_provider,
	  "the key provider takes connections, if one is configured" },
	{ "images", CHECK_FOR_VMS, check_images,
	  "guest images are there and their sums are right" },
	{ "images.tdx", CHECK_FOR_TDX, check_images_tdx, "an image has firmware, as TDX needs" },
	{ "users", CHECK_FOR_VMS, check_users,
	  "the users of baileyd and of QEMU exist and are in the group of /dev/kvm" },
	{ "folders", CHECK_FOR_VMS, check_folders,
	  "QEMU's user may pass through to the state and run folders" },
	{ "ports", CHECK_FOR_COMFORT, check_ports,
	  "baileyd's TCP addresses are free, and which host ports VMs may have" },
	{ "disk", CHECK_FOR_VMS, check_disk, "room where the state folder is" },
	{ "file-system", CHECK_FOR_COMFORT, check_file_system,
	  "what is written to the state folder lasts" },
	{ "memory", CHECK_FOR_VMS, check_memory, "memory for a VM" },
	{ "hugepages", CHECK_FOR_COMFORT, check_hugepages, "reserved huge pages" },
	{ "files", CHECK_FOR_COMFORT, check_files, "how many files baileyd may have open" },
	{ "cgroup", CHECK_FOR_COMFORT, check_cgroup, "cgroup v2" },
	{ "clock", CHECK_FOR_COMFORT, check_clock,
	  "the clock is synchronised: certificates and quotes have dates" },
	{ "entropy", CHECK_FOR_COMFORT, check_entropy, "the kernel's random numbers are ready" },
};

enum { CHECKS = sizeof(checks) / sizeof(*checks) };
_Static_assert(CHECKS <= (int)CHECK_ROWS_MAX, "more checks than rows");

const char *check_name(size_t i)
{
	return i < CHECKS ? checks[i].name : NULL;
}

const char *check_doc(size_t i)
{
	return i < CHECKS ? checks[i].doc : NULL;
}

const char *check_state_name(enum check_state s)
{
	static const char *const names[] = { "ok", "warn", "missing" };

	return names[s];
}

const char *check_need_name(enum check_need n)
{
	static const char *const names[] = { "VMs", "TDX", "comfort" };

	return names[n];
}

size_t check_run(const struct check_host *h, struct check_row ret[static CHECK_ROWS_MAX])
{
	size_t i;

	for (i = 0; i < CHECKS; i++) {
		ret[i] = (struct check_row){ .name = checks[i].name, .need = checks[i].need };
		checks[i].look(h, &ret[i]);
	}
	return CHECKS;
}

struct check_summary check_sum(const struct check_row *rows, size_t n)
{
	struct check_summary s = { true, true, true };
	size_t i;

	for (i = 0; i < n; i++) {
		if (rows[i].state != CHECK_MISSING)
			continue;
		if (rows[i].need == CHECK_FOR_VMS)
			s.vms = false;
		if (rows[i].need != CHECK_FOR_COMFORT)
			s.tdx = false;
		if (str_equal(rows[i].name, "kvm"))
			s.kvm = false;
	}
	return s;
}

/* Texts are ours or this host's: cut, never refused. */
static void format(char *dst, size_t size, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

static void format(char *dst, size_t size, const char *fmt, va_list ap)
{
	if (vsnprintf(dst, size, fmt, ap) < 0)
		*dst = 0;
}

void check_ok(struct check_row *r, const char *fmt, ...)
{
	va_list ap;

	r->state = CHECK_OK;
	*r->remedy = 0;
	va_start(ap, fmt);
	format(r->found, sizeof(r->found), fmt, ap);
	va_end(ap);
}

void check_bad(struct check_row *r, enum check_state s, const char *remedy, const char *fmt, ...)
{
	va_list ap;

	r->state = s;
	(void)snprintf(r->remedy, sizeof(r->remedy), "%s", remedy);
	va_start(ap, fmt);
	format(r->found, sizeof(r->found), fmt, ap);
	va_end(ap);
}

const char *check_path(const struct check_host *h, const char *path, char dst[static PATH_MAX])
{
	(void)str_format(dst, PATH_MAX, "%s%s", h->root, path);
	return dst;
}

int check_read(const struct check_host *h, const char *path, struct buf *ret)
{
	char full[PATH_MAX];

	return file_read(AT_FDCWD, check_path(h, path, full), CHECK_TEXT_MAX, ret, NULL);
}

bool check_may(const struct check_host *h, const char *path, int mode)
{
	char full[PATH_MAX];

	return access(check_path(h, path, full), mode) == 0;
}

const char *check_fact(const struct check_host *h, const char *key)
{
	return json_get_str(h->facts, key, "");
}

bool check_is(const struct check_host *h, const char *key)
{
	return json_get_bool(h->facts, key, false);
}
