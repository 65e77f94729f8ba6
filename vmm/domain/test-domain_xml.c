/* SPDX-License-Identifier: Apache-2.0 */
/*
 * domain_xml against golden files: tests/vectors/domain/<case>.xml.  After a change that is meant, write them
 * anew with BAILEY_WRITE_VECTORS=1 and read the difference.
 *
 * tests/integration/acpi and tests/integration/libvirt start from the same files, so what is proven there holds
 * for what this function writes.
 */
#include "domain/domain_xml.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/str.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define VM	 "/srv/bailey/vm/3f2504e0-4f89-41d3-9a0c-0305e82c3301"
#define IMAGE	 "/srv/bailey/image/dstack-0.6.0"

static const struct host_caps tcg = {
	.has_vhost_user_vsock = true,
	.reads_cpu_at_once = true,
	.emulator = "/usr/bin/qemu-system-x86_64",
	.machine = "pc-q35-7.2",
	.qemu_version = "7.2.22",
	.accel_why = "tcg: the CPU has neither vmx nor svm",
	.tdx_why = "QEMU 7.2.22 has no tdx-guest object",
};

static const struct host_caps kvm = {
	.has_kvm = true,
	.has_kernel_vsock = true,
	.has_vhost_user_vsock = true,
	.reads_cpu_at_once = true,
	.emulator = "/usr/bin/qemu-system-x86_64",
	.machine = "pc-q35-7.2",
	.qemu_version = "7.2.22",
	.tdx_why = "QEMU 7.2.22 has no tdx-guest object",
};

static const struct host_caps tdx_libvirt = {
	.has_kvm = true,
	.has_kernel_tdx = true,
	.has_kernel_vsock = true,
	.tdx = HOST_TDX_LIBVIRT,
	.emulator = "/usr/bin/qemu-system-x86_64",
	.machine = "pc-q35-10.1",
	.qemu_version = "10.1.0",
};

static const struct host_caps tdx_args = {
	.has_kvm = true,
	.has_kernel_tdx = true,
	.has_kernel_vsock = true,
	.tdx = HOST_TDX_COMMANDLINE,
	.emulator = "/usr/bin/qemu-system-x86_64",
	.machine = "pc-q35-10.1",
	.qemu_version = "10.1.0",
};

static const struct domain_port ports[] = {
	{ .address = "127.0.0.1", .host = 8080, .guest = 80 },
	{ .address = "0.0.0.0", .is_udp = true, .host = 51820, .guest = 51820 },
};

static const struct domain_nic one_nic[] = {
	{ .mac = "16:36:2f:56:63:87",
	  .net = "10.0.2.0/24",
	  .dhcp_start = "10.0.2.10",
	  .ports = ports,
	  .n_ports = 1 },
};

static const struct domain_nic two_nics[] = {
	{ .mac = "16:36:2f:56:63:87",
	  .net = "10.0.2.0/24",
	  .dhcp_start = "10.0.2.10",
	  .ports = ports,
	  .n_ports = 2 },
	{ .mac = "c6:74:2c:65:14:b9", .net = "10.0.3.0/24", .is_restricted = true },
};

static const char *const volumes[] = { "/srv/bailey/volumes/a.verity",
				       "/srv/bailey/volumes/b.verity" };

static struct domain_spec base_spec(void)
{
	return (struct domain_spec){
		.name = "bailey-3f2504e0",
		.uuid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
		.vcpus = 2,
		.memory_mib = 2048,
		.kernel = IMAGE "/bzImage",
		.initrd = IMAGE "/initramfs.cpio.gz",
		.cmdline = "console=ttyS0 init=/init panic=1",
		.data_disk = VM "/hda.img",
		.nics = one_nic,
		.n_nics = 1,
		.vsock = DOMAIN_VSOCK_VHOST_USER,
		.cid = 1000,
		.vhost_socket = "/srv/bailey/run/3f2504e0/vhost",
		.share = DOMAIN_SHARE_DISK,
		.share_path = VM "/shared.img",
		.serial_log = VM "/serial.log",
	};
}

static struct domain_spec tdx_spec(void)
{
	struct domain_spec s = base_spec();

	s.tee = DOMAIN_TEE_TDX;
	s.firmware = IMAGE "/ovmf.fd";
	s.rootfs = IMAGE "/rootfs.img.parted.verity";
	s.vsock = DOMAIN_VSOCK_KERNEL;
	s.vhost_socket = NULL;
	s.share = DOMAIN_SHARE_9P;
	s.share_path = VM "/shared";
	s.serial_pty = VM "/serial.pty";
	s.mr_config_id = "ASIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiIiAAAAAAAAAAAAAAAAAAAA";
	s.qgs_port = 4050;
	return s;
}

/* Compare with the golden file, or write it. */
static void check_golden(const char *name, const struct domain_spec *s,
			 const struct host_caps *caps)
{
	auto_buf struct buf xml = BUF_MAX(DOMAIN_XML_MAX), want = BUF_MAX(DOMAIN_XML_MAX);
	struct err e = ERR_NONE;
	char path[512];

	assert(str_format(path, sizeof(path), "%s/tests/vectors/domain/%s.xml", SOURCE_DIR, name) >
	       0);
	if (domain_xml(s, caps, &xml, &e) != 0) {
		(void)fprintf(stderr, "%s: %s\n", name, e.text);
		abort();
	}
	if (getenv("BAILEY_WRITE_VECTORS")) {
		assert(file_replace(AT_FDCWD, path, 0644, xml.p, xml.n, &e) == 0);
		return;
	}
	assert(file_read(AT_FDCWD, path, DOMAIN_XML_MAX, &want, &e) == 0);
	if (want.n != xml.n || memcmp(want.p, xml.p, xml.n) != 0) {
		(void)fprintf(stderr, "%s: differs from %s:\n%s", name, path, (const char *)xml.p);
		abort();
	}
}

static void test_without_a_tee(void)
{
	struct domain_spec s = base_spec();

	check_golden("none", &s, &tcg);
	check_golden("none-kvm", &s, &kvm);
	s.share = DOMAIN_SHARE_9P;
	s.share_path = VM "/shared";
	check_golden("none-9p", &s, &tcg);
	s.vsock = DOMAIN_VSOCK_KERNEL;
	s.vhost_socket = NULL;
	check_golden("none-kernel-vsock", &s, &kvm);
}

static void test_with_a_system_wide_libvirt(void)
{
	struct host_caps caps = tcg;
	struct domain_spec s = base_spec();

	(void)str_copy(caps.owner, sizeof(caps.owner), "+1000:+1000");
	check_golden("none-system", &s, &caps);
	(void)str_copy(caps.confinement, sizeof(caps.confinement), "apparmor");
	check_golden("none-system-apparmor", &s, &caps);
}

static void test_simulated_is_the_same_machine_as_none(void)
{
	struct domain_spec s = base_spec();

	s.tee = DOMAIN_TEE_SIMULATED;
	check_golden("none", &s, &tcg);
	check_golden("simulated", &s, &tcg);
}

static void test_many_devices(void)
{
	struct domain_spec s = base_spec();

	s.rootfs = IMAGE "/rootfs.img.parted.verity";
	s.nics = two_nics;
	s.n_nics = 2;
	s.volumes = volumes;
	s.n_volumes = 2;
	s.hotplug_off = true;
	s.pci_hole64_size = 0x8000000000;
	check_golden("many", &s, &tcg);
}

static void test_only_what_is_there(void)
{
	struct domain_spec s = base_spec();

	s.data_disk = NULL;
	s.cmdline = NULL;
	s.n_nics = 0;
	s.vsock = DOMAIN_VSOCK_NONE;
	s.share = DOMAIN_SHARE_NONE;
	s.share_path = NULL;
	check_golden("least", &s, &tcg);
}

static void test_strings_are_escaped(void)
{
	struct domain_spec s = base_spec();

	s.kernel = "/srv/bailey/a&b <c>/it's \"x\", y/bzImage";
	s.cmdline = "a=\"1\" b='2' c=<3> d=&4 e=@5 f=%s,g";
	s.vendor = "R&D, Ltd";
	s.serial_log = "/srv/bailey/a,b&c,,d'e\"f/serial.log";
	s.vhost_socket = "/srv/bailey/run/x,y/vhost";
	check_golden("escaped", &s, &tcg);
}

static void test_tdx_by_libvirt(void)
{
	struct domain_spec s = tdx_spec();

	check_golden("tdx-libvirt", &s, &tdx_libvirt);
}

static void test_tdx_by_command_line(void)
{
	struct domain_spec s = tdx_spec();

	check_golden("tdx-commandline", &s, &tdx_args);
	s.qgs_path = "/run/\"qgs\"\\a,b/socket";
	s.mr_config_id = NULL;
	check_golden("tdx-commandline-unix", &s, &tdx_args);
}

static const struct domain_gpu gpus[] = {
	{ .bus = 0x18, .node = 0, .is_bound = true },
	{ .bus = 0x2a, .node = 0 },
	{ .bus = 0x9a, .node = 1, .is_bound = true },
	{ .domain = 1, .bus = 0x05, .function = 1, .node = 1, .is_bound = true }, /* a bridge */
};

static const unsigned int nodes[] = { 0, 1 };

static void test_gpus(void)
{
	struct domain_spec s = base_spec();

	s.gpus = gpus;
	s.n_gpus = 4;
	s.n_bridges = 1;
	s.cpuset = "0-15,32-47";
	check_golden("gpus", &s, &kvm);
	s.nodes = nodes;
	s.n_nodes = 2;
	s.hugepage_kib = 1048576;
	s.vcpus = 4;
	check_golden("gpus-hugepages", &s, &kvm);
	s.gpus = gpus + 2;
	s.n_gpus = s.n_bridges = 0;
	s.nodes = nodes;
	s.n_nodes = 1;
	s.vcpus = 1;
	s.hugepage_kib = 2048;
	s.cpuset = NULL;
	check_golden("hugepages", &s, &tcg);
}

static void refused(const struct domain_spec *s, const struct host_caps *caps, int rc,
		    const char *text)
{
	auto_buf struct buf xml = BUF_MAX(DOMAIN_XML_MAX);
	struct err e = ERR_NONE;

	assert(domain_xml(s, caps, &xml, &e) == rc);
	assert(domain_xml(s, caps, &xml, NULL) == rc);
	assert(xml.n == 0);
	if (!strstr(e.text, text)) {
		(void)fprintf(stderr, "\"%s\" does not say \"%s\"\n", e.text, text);
		abort();
	}
}

static void test_tdx_is_refused_where_something_is_missing(void)
{
	struct domain_spec s = tdx_spec();
	struct host_caps c = tdx_libvirt;

	refused(&s, &kvm, ERR_MISSING, "QEMU 7.2.22 has no tdx-guest object");
	c.has_kernel_tdx = false;
	(void)str_copy(c.tdx_why, sizeof(c.tdx_why), "the kernel has no TDX");
	refused(&s, &c, ERR_MISSING, "the kernel has no TDX");
	c = tdx_libvirt;
	c.has_kvm = false;
	refused(&s, &c, ERR_MISSING, "TDX");
	s.firmware = NULL;
	refused(&s, &tdx_libvirt, ERR_INPUT, "firmware");
}

static void test_missing_vsock_is_refused(void)
{
	struct domain_spec s = base_spec();
	struct host_caps c = tcg;

	c.has_vhost_user_vsock = false;
	refused(&s, &c, ERR_MISSING, "vhost-user-vsock-pci");
	s.vsock = DOMAIN_VSOCK_KERNEL;
	refused(&s, &tcg, ERR_MISSING, "/dev/vhost-vsock");
	s.cid = 2;
	refused(&s, &kvm, ERR_INPUT, "CID");
}

static void test_impossible_values_are_refused(void)
{
	static const struct domain_port v6 = { .address = "::1", .host = 80, .guest = 80 };
	static const struct domain_port zero = { .address = "127.0.0.1", .host = 0, .guest = 80 };
	struct domain_nic nic = one_nic[0];
	struct domain_spec s;

	s = base_spec();
	s.kernel = "/a\nb";
	refused(&s, &tcg, ERR_INPUT, "kernel \"/a\\x0ab\"");
	s = base_spec();
	s.cmdline = "\xff";
	refused(&s, &tcg, ERR_INPUT, "kernel command line");
	s = base_spec();
	s.initrd = "initrd";
	refused(&s, &tcg, ERR_INPUT, "absolute");
	s = base_spec();
	s.vcpus = 0;
	refused(&s, &tcg, ERR_INPUT, "vCPU");
	s = base_spec();
	s.memory_mib = 1;
	refused(&s, &tcg, ERR_INPUT, "memory");
	s = base_spec();
	s.name = "a/b";
	refused(&s, &tcg, ERR_INPUT, "name");
	s = base_spec();
	s.n_volumes = 29;
	s.volumes = (const char *const[29]){ NULL };
	refused(&s, &tcg, ERR_INPUT, "slots");
	s = base_spec();
	s.nics = &nic;
	nic.ports = &v6;
	refused(&s, &tcg, ERR_INPUT, "IPv4");
	nic.ports = &zero;
	refused(&s, &tcg, ERR_INPUT, "port");
}

static void test_hugepages_that_cannot_be_shared_are_refused(void)
{
	struct domain_spec s = base_spec();

	s.gpus = gpus;
	s.n_gpus = 3;
	s.nodes = nodes;
	s.n_nodes = 2;
	s.hugepage_kib = 2048;
	s.vcpus = 3;
	refused(&s, &kvm, ERR_INPUT, "write a multiple of 2");
	s.vcpus = 4;
	s.memory_mib = 3072;
	refused(&s, &kvm, ERR_INPUT, "write a multiple of 2048 MiB");
	s.memory_mib = 512;
	refused(&s, &kvm, ERR_INPUT, "write a multiple of 2048 MiB");
	s.memory_mib = 4096;
	s.hugepage_kib = 0;
	refused(&s, &kvm, ERR_INPUT, "no size");
	s.hugepage_kib = 2048;
	s.n_nodes = 1;
	refused(&s, &kvm, ERR_INPUT, "NUMA node 1, which the VM does not have");
	s.n_nodes = 0;
	s.n_gpus = 33;
	refused(&s, &kvm, ERR_INPUT, "at most 32");
	s = base_spec();
	s.cpuset = "0\n";
	refused(&s, &kvm, ERR_INPUT, "list of CPUs");
}

static void test_too_long_is_refused(void)
{
	auto_buf struct buf xml = BUF_MAX(1000);
	struct domain_spec s = base_spec();
	struct err e;

	assert(domain_xml(&s, &tcg, &xml, &e) < 0);
}

int main(void)
{
	test_without_a_tee();
	test_with_a_system_wide_libvirt();
	test_simulated_is_the_same_machine_as_none();
	test_many_devices();
	test_only_what_is_there();
	test_strings_are_escaped();
	test_tdx_by_libvirt();
	test_tdx_by_command_line();
	test_gpus();
	test_hugepages_that_cannot_be_shared_are_refused();
	test_tdx_is_refused_where_something_is_missing();
	test_missing_vsock_is_refused();
	test_impossible_values_are_refused();
	test_too_long_is_refused();
	return 0;
}
