/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test check: on a faked host that has everything every row is ok; each thing taken from it shows in the row
 * that is named for it, with its remedy, and in the summary.
 */
#undef NDEBUG
#include "check/check.h"

#include <assert.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"
#include "crypto/digest.h"
#include "data/json.h"
#include "store/rmtree.h"

static char root[] = "/tmp/b-check-XXXXXX";

static void put_mode(const char *path, const char *text, mode_t mode)
{
	char full[1024], folder[1024];
	FILE *f;

	assert(str_format(full, sizeof(full), "%s%s", root, path) > 0);
	assert(str_copy(folder, sizeof(folder), full) > 0);
	*strrchr(folder, '/') = 0;
	assert(file_mkdir_all(folder, 0755, NULL) == 0);
	f = fopen(full, "we"); /* file_replace() would wait for the disk, some two thousand times */
	assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
	assert(chmod(full, mode) == 0);
}

static void put(const char *path, const char *text)
{
	put_mode(path, text, 0644);
}

static void drop(const char *path)
{
	char full[PATH_MAX];

	assert(str_format(full, sizeof(full), "%s%s", root, path) > 0);
	assert(unlink(full) == 0);
}

static void put_image(const char *name, const char *kernel)
{
	const char metadata[] =
		"{\"kernel\":\"k\",\"initrd\":\"k\",\"bios\":\"k\",\"version\":\"0.6."
		"0\",\"cmdline\":\"x\"}";
	struct digest256 k = digest256_bytes("kernel", 6);
	struct digest256 m = digest256_bytes(metadata, strlen(metadata)), s;
	char hex[65], path[128], sums[256];
	size_t n;

	str_hex(hex, k.b, sizeof(k.b));
	n = (size_t)snprintf(sums, sizeof(sums), "%s  k\n", hex);
	str_hex(hex, m.b, sizeof(m.b));
	n += (size_t)snprintf(sums + n, sizeof(sums) - n, "%s  metadata.json\n", hex);
	s = digest256_bytes(sums, n);
	str_hex(hex, s.b, sizeof(s.b));
	(void)snprintf(path, sizeof(path), "/s/image/%s/k", name);
	put(path, kernel);
	(void)snprintf(path, sizeof(path), "/s/image/%s/metadata.json", name);
	put(path, metadata);
	(void)snprintf(path, sizeof(path), "/s/image/%s/sha256sum.txt", name);
	put(path, sums);
	(void)snprintf(path, sizeof(path), "/s/image/%s/digest.txt", name);
	put(path, hex);
}

static json_t *all_facts(void)
{
	return json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:b, s:b, s:b}",
		"version", "0.1.0", "user", "bailey", "state", "/s", "image", "/s/image", "run",
		"/r", "socket", "/r/baileyd.sock", "qemu_user", "libvirt-qemu", "qemu", "10.1.0",
		"emulator", "/usr/bin/qemu-system-x86_64", "libvirt", "11.6.0", "tdx", "libvirt",
		"key_provider", "127.0.0.1:3443", "kvm", 1, "kernel_vsock", 1, "vhost_user_vsock",
		1);
}

/* A host with all that Bailey can use; nothing of it is this host's. */
static void make_host(struct check_host *h)
{
	static const char *const devices[] = { "/dev/kvm", "/dev/vhost-vsock", "/dev/sgx_enclave",
					       "/dev/sgx_provision", "/run/tdx-qgs/qgs.socket" };
	size_t i;

	for (i = 0; i < sizeof(devices) / sizeof(*devices); i++)
		put_mode(devices[i], "", 0666);
	put("/proc/cpuinfo", "processor\t: 0\nvendor_id\t: GenuineIntel\n"
			     "flags\t\t: fpu vmx tdx_host_platform\n");
	put("/proc/meminfo", "MemTotal:       65536000 kB\nMemAvailable:   60000000 kB\n"
			     "HugePages_Total:       4\nHugePages_Free:        3\n"
			     "Hugepagesize:    1048576 kB\n");
	put("/proc/self/mountinfo", "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
				    "21 20 0:5 / /s/image rw shared:1 - tmpfs tmpfs rw\n");
	put("/proc/sys/kernel/random/entropy_avail", "256\n");
	put("/proc/sys/net/ipv4/ip_unprivileged_port_start", "80\n");
	put("/sys/module/kvm_intel/parameters/tdx", "Y\n");
	put("/sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
	put("/etc/passwd", "root:x:0:0::/:/bin/sh\nbailey:x:990:990::/:/bin/sh\n"
			   "libvirt-qemu:x:64055:991::/:/bin/sh\n");
	put("/etc/group", "kvm:x:991:bailey\n");
	put_mode("/usr/bin/qemu-img", "", 0755);
	put_mode("/usr/sbin/mkfs.vfat", "", 0755);
	put_mode("/usr/bin/mcopy", "", 0755);
	put_mode("/usr/sbin/bailey-vsock", "", 0755);
	put("/r/x", "");
	put_image("bailey-0.1.0", "kernel");
	*h = (struct check_host){ .root = root,
				  .facts = all_facts(),
				  .is_serving = true,
				  .disk_free = 100ULL << 30,
				  .nofile = 524288,
				  .is_clock_synced = true,
				  .has_key_provider = true };
}

static void set(struct check_host *h, const char *key, json_t *value)
{
	assert(json_object_set_new(json_unconst(h->facts), key, value) == 0);
}

static void no_virtualization(struct check_host *h)
{
	(void)h;
	put("/proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu vmxx tdx_host_platform\n");
}

static void amd(struct check_host *h)
{
	(void)h;
	put("/proc/cpuinfo", "vendor_id\t: AuthenticAMD\nflags\t\t: fpu svm\n");
}

static void firmware_off(struct check_host *h)
{
	(void)h;
	put("/proc/cpuinfo",
	    "vendor_id\t: GenuineIntel\nflags\t\t: fpu vmx\nbugs\t: tdx_host_platform \n");
}

static void tdx_off(struct check_host *h)
{
	(void)h;
	put("/sys/module/kvm_intel/parameters/tdx", "N\n");
}

static void old_kernel(struct check_host *h)
{
	(void)h;
	drop("/sys/module/kvm_intel/parameters/tdx");
}

static void no_kvm(struct check_host *h)
{
	set(h, "kvm", json_false());
	drop("/dev/kvm");
}

static void kvm_hangs(struct check_host *h)
{
	set(h, "kvm", json_false());
	set(h, "accel", json_string("tcg: a guest did not halt within 5000 ms"));
}

static void kvm_of_others(struct check_host *h)
{
	(void)h;
	put_mode("/dev/kvm", "", 0600);
}

static void old_qemu(struct check_host *h)
{
	set(h, "tdx", json_string("none"));
}

static void old_libvirt(struct check_host *h)
{
	set(h, "tdx", json_string("command line"));
}

static void libvirt_fails(struct check_host *h)
{
	set(h, "error", json_string("cannot open libvirt's qemu:///embed"));
	set(h, "libvirt", json_string(""));
}

static void no_baileyd(struct check_host *h)
{
	json_decref(json_unconst(h->facts));
	h->facts = NULL;
	h->facts_why = "program 'baileyd' is not installed";
}

static void daemon_down(struct check_host *h)
{
	h->is_serving = false;
}

static void no_vsock(struct check_host *h)
{
	set(h, "kernel_vsock", json_false());
	set(h, "vhost_user_vsock", json_false());
}

static void kernel_vsock_only(struct check_host *h)
{
	set(h, "kernel_vsock", json_false());
	set(h, "vsock", json_string("kernel"));
}

static void no_vsock_program(struct check_host *h)
{
	set(h, "kernel_vsock", json_false());
	set(h, "vsock_program", json_string("/nowhere/bailey-vsock"));
}

static void vsock_program(struct check_host *h)
{
	set(h, "kernel_vsock", json_false());
	set(h, "vsock_program", json_string("/usr/sbin/bailey-vsock"));
}

static void no_mcopy(struct check_host *h)
{
	(void)h;
	drop("/usr/bin/mcopy");
}

static void no_qgs(struct check_host *h)
{
	(void)h;
	drop("/run/tdx-qgs/qgs.socket");
}

static void qgs_by_vsock(struct check_host *h)
{
	no_qgs(h);
	put("/etc/qgs.conf", "port = 4050\n");
}

static void no_sgx(struct check_host *h)
{
	(void)h;
	drop("/dev/sgx_provision");
}

static void no_sgx_needed(struct check_host *h)
{
	no_sgx(h);
	set(h, "key_provider", json_string(""));
}

static void provider_silent(struct check_host *h)
{
	h->has_key_provider = false;
}

static void no_image(struct check_host *h)
{
	set(h, "image", json_string("/s/none"));
}

static void image_changed(struct check_host *h)
{
	(void)h;
	put_image("bailey-0.1.0", "changed");
}

static void one_image_changed(struct check_host *h)
{
	(void)h;
	put_image("other-0.1.0", "changed");
}

static void no_user(struct check_host *h)
{
	set(h, "user", json_string("nobody-of-here"));
}

static void qemu_as_root(struct check_host *h)
{
	set(h, "user", json_string("root"));
	set(h, "qemu_user", json_string(""));
}

static void closed_folder(struct check_host *h)
{
	char path[PATH_MAX];

	(void)h;
	assert(str_format(path, sizeof(path), "%s/s", root) > 0);
	assert(chmod(path, 0700) == 0);
}

static void busy_port(struct check_host *h)
{
	(void)str_copy(h->busy, sizeof(h->busy), "127.0.0.1:8800");
}

static void disk_full(struct check_host *h)
{
	h->disk_free = 1 << 20;
}

static void disk_small(struct check_host *h)
{
	h->disk_free = 5ULL << 30;
}

static void on_tmpfs(struct check_host *h)
{
	(void)h;
	put("/proc/self/mountinfo", "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
				    "21 20 0:5 / /s rw shared:1 - tmpfs tmpfs rw\n"
				    "22 20 0:6 / /sx rw - ext4 /dev/sdb rw\n");
}

static void on_nfs(struct check_host *h)
{
	(void)h;
	put("/proc/self/mountinfo", "20 1 0:5 / / rw - nfs4 server:/x rw\n");
}

static void no_memory(struct check_host *h)
{
	(void)h;
	put("/proc/meminfo", "MemTotal:       1000000 kB\nMemAvailable:   1000 kB\n");
}

static void no_proc(struct check_host *h)
{
	(void)h;
	put("/proc/meminfo", "garbage");
}

static void few_files(struct check_host *h)
{
	h->nofile = 1024;
}

static void cgroup_v1(struct check_host *h)
{
	(void)h;
	drop("/sys/fs/cgroup/cgroup.controllers");
}

static void clock_free(struct check_host *h)
{
	h->is_clock_synced = false;
}

static void no_entropy(struct check_host *h)
{
	(void)h;
	put("/proc/sys/kernel/random/entropy_avail", "12\n");
}

static void nothing(struct check_host *h)
{
	(void)h;
}

static const struct {
	void (*change)(struct check_host *h);
	const char *row; /* NULL: all are ok */
	enum check_state state;
	const char *found;
	bool vms, tdx;
} cases[] = {
	{ nothing, NULL, CHECK_OK, "", true, true },
	{ no_virtualization, "cpu.virtualization", CHECK_MISSING, "neither VMX", true, false },
	{ amd, "cpu.tdx", CHECK_MISSING, "not an Intel", true, false },
	{ firmware_off, "cpu.tdx", CHECK_MISSING, "tdx_host_platform", true, false },
	{ tdx_off, "kernel.tdx", CHECK_MISSING, "is off", true, false },
	{ old_kernel, "kernel.tdx", CHECK_MISSING, "knows no TDX", true, false },
	{ no_kvm, "kvm", CHECK_MISSING, "no /dev/kvm", true, false },
	{ kvm_hangs, "kvm", CHECK_MISSING, "did not halt", true, false },
	{ kvm_of_others, "users", CHECK_WARN, "bailey may not use /dev/kvm", true, true },
	{ old_qemu, "qemu.tdx", CHECK_MISSING, "no tdx-guest", true, false },
	{ old_libvirt, "libvirt.tdx", CHECK_WARN, "does not name TDX", true, true },
	{ libvirt_fails, "libvirt", CHECK_MISSING, "cannot open", false, false },
	{ no_baileyd, "baileyd", CHECK_MISSING, "not installed", false, false },
	{ daemon_down, "baileyd", CHECK_WARN, "does not answer", true, true },
	{ no_vsock, "vsock", CHECK_MISSING, "takes no bailey-vsock", false, false },
	{ kernel_vsock_only, "vsock", CHECK_MISSING, "carrier is kernel", false, false },
	{ no_vsock_program, "vsock", CHECK_MISSING, "/nowhere/bailey-vsock", false, false },
	{ vsock_program, NULL, CHECK_OK, "", true, true },
	{ no_mcopy, "tools", CHECK_MISSING, "mcopy", false, false },
	{ no_qgs, "qgs", CHECK_MISSING, "not there", true, false },
	{ qgs_by_vsock, "qgs", CHECK_WARN, "not seen", true, true },
	{ no_sgx, "sgx", CHECK_WARN, "sgx_provision", true, true },
	{ no_sgx_needed, NULL, CHECK_OK, "", true, true },
	{ provider_silent, "key-provider", CHECK_WARN, "127.0.0.1:3443", true, true },
	{ no_image, "images", CHECK_MISSING, "no image in /s/none", false, false },
	{ image_changed, "images", CHECK_MISSING, "bailey-0.1.0", false, false },
	{ one_image_changed, "images", CHECK_WARN, "1 of 2", true, true },
	{ no_user, "users", CHECK_MISSING, "nobody-of-here", false, false },
	{ qemu_as_root, "users", CHECK_WARN, "as root", true, true },
	{ closed_folder, "folders", CHECK_MISSING, "may not enter /s", false, false },
	{ busy_port, "ports", CHECK_WARN, "127.0.0.1:8800", true, true },
	{ disk_full, "disk", CHECK_MISSING, "1 MiB", false, false },
	{ disk_small, "disk", CHECK_WARN, "5 GiB", true, true },
	{ on_tmpfs, "file-system", CHECK_WARN, "tmpfs", true, true },
	{ on_nfs, "file-system", CHECK_WARN, "nfs4", true, true },
	{ no_memory, "memory", CHECK_MISSING, "0 MiB", false, false },
	{ no_proc, "memory", CHECK_WARN, "does not tell", true, true },
	{ few_files, "files", CHECK_WARN, "1024", true, true },
	{ cgroup_v1, "cgroup", CHECK_WARN, "no cgroup v2", true, true },
	{ clock_free, "clock", CHECK_WARN, "not synchronised", true, true },
	{ no_entropy, "entropy", CHECK_WARN, "12 bits", true, true },
};

static bool check_case(size_t i, const struct check_row *rows, size_t n)
{
	struct check_summary s = check_sum(rows, n);
	const char *row = cases[i].row;
	bool is_right = s.vms == cases[i].vms && s.tdx == cases[i].tdx, is_seen = !row;
	size_t k;

	for (k = 0; k < n; k++) {
		if (row && str_equal(rows[k].name, row)) {
			is_seen = rows[k].state == cases[i].state &&
				  strstr(rows[k].found, cases[i].found) && *rows[k].remedy;
		} else if (!row && rows[k].state != CHECK_OK) {
			is_right = false;
		}
		if (rows[k].state == CHECK_OK && *rows[k].remedy)
			is_right = false;
		assert(*rows[k].found);
	}
	if (is_right && is_seen)
		return true;
	(void)fprintf(stderr, "case %zu (%s): vms %d, tdx %d\n", i, row ? row : "all ok", s.vms,
		      s.tdx);
	for (k = 0; k < n; k++)
		(void)fprintf(stderr, "  %-20s %-8s %s | %s\n", rows[k].name,
			      check_state_name(rows[k].state), rows[k].found, rows[k].remedy);
	return false;
}

static void test_each_lack_shows_in_its_row(void)
{
	static struct check_row rows[CHECK_ROWS_MAX];
	struct check_host h;
	size_t i, n, n_wrong = 0;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		make_host(&h);
		cases[i].change(&h);
		n = check_run(&h, rows);
		n_wrong += !check_case(i, rows, n);
		json_decref(json_unconst(h.facts));
		assert(rmtree(AT_FDCWD, root, NULL, NULL) == 0);
	}
	assert(n_wrong == 0);
}

/* Every row of the table can be lacking, and some case above has it so. */
static void test_each_row_has_a_case(void)
{
	static const char *const never[] = { "qemu", "images.tdx", "hugepages" };
	size_t i, k;
	bool is_there;

	for (i = 0; check_name(i); i++) {
		is_there = false;
		for (k = 0; k < sizeof(cases) / sizeof(*cases); k++)
			is_there |= cases[k].row && str_equal(cases[k].row, check_name(i));
		for (k = 0; k < sizeof(never) / sizeof(*never); k++)
			is_there |= str_equal(never[k], check_name(i));
		assert(is_there);
	}
}

static void test_the_manual_names_each_row(void)
{
	auto_buf struct buf page = BUF_MAX(0);
	char want[64];
	const char *at;
	size_t i, n = 0;

	assert(file_read(AT_FDCWD, SOURCE_DIR "/man/bailey-check.7", 1 << 20, &page, NULL) == 0);
	for (i = 0; check_name(i); i++) {
		(void)snprintf(want, sizeof(want), "\n.It Sy %s\n", check_name(i));
		if (!strstr((const char *)page.p, want))
			(void)fprintf(stderr, "bailey-check(7) has no entry %s\n", check_name(i));
		assert(strstr((const char *)page.p, want));
	}
	for (at = (const char *)page.p; (at = strstr(at, "\n.It Sy ")); at++)
		n++;
	assert(n == i);
}

/* This host: whatever it has, each row says something, and each lack has a remedy or a reason. */
static void test_this_host_can_be_looked_at(void)
{
	static struct check_row rows[CHECK_ROWS_MAX];
	struct check_host h = { .root = "", .facts_why = "not asked" };
	size_t i, n;

	check_measure(&h);
	n = check_run(&h, rows);
	assert(n > 20 && !check_sum(rows, n).vms);
	for (i = 0; i < n; i++)
		assert(*rows[i].found);
	assert(h.disk_free && h.nofile);
}

int main(void)
{
	assert(mkdtemp(root));
	test_each_lack_shows_in_its_row();
	test_each_row_has_a_case();
	test_the_manual_names_each_row();
	test_this_host_can_be_looked_at();
	return 0;
}
