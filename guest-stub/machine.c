/* SPDX-License-Identifier: Apache-2.0 */
#include "guest-stub/machine.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/str.h"

DEFINE_AUTO(DIR *, dir, closedir);
#define auto_dir __attribute__((cleanup(auto_dir_fn)))

enum { TEXT_MAX = 1024 * 1024 };

/* The text of a file; "" if it cannot be read.  The caller frees. */
static char *text_of(const char *path)
{
	auto_buf struct buf b = { 0 };

	if (file_read(AT_FDCWD, path, TEXT_MAX, &b, NULL) < 0)
		return xstrdup("");
	return buf_take_str(&b);
}

void machine_line(const char *path, char *dst, size_t size)
{
	auto_free char *text = text_of(path);

	text[strcspn(text, "\n")] = 0;
	(void)str_copy(dst, size, text);
}

static void root_disk(struct machine_disk *d)
{
	struct statvfs v;

	if (statvfs("/", &v) < 0)
		return;
	(void)str_copy(d->name, sizeof(d->name), "rootfs");
	(void)str_copy(d->mount_point, sizeof(d->mount_point), "/");
	d->total = (uint64_t)v.f_blocks * v.f_frsize;
	d->free = (uint64_t)v.f_bavail * v.f_frsize;
}

void machine_system_now(struct machine_system *ret)
{
	auto_free char *memory = text_of("/proc/meminfo"), *load = text_of("/proc/loadavg");
	auto_free char *uptime = text_of("/proc/uptime"), *cpu = text_of("/proc/cpuinfo");
	auto_free char *os = text_of("/etc/os-release");
	struct utsname u;

	*ret = (struct machine_system){ 0 };
	proc_memory_of(memory, &ret->memory);
	proc_loads_of(load, ret->loads);
	ret->uptime = proc_uptime_of(uptime);
	ret->n_cpus = proc_cpus_of(cpu, ret->cpu, sizeof(ret->cpu));
	proc_os_release_of(os, "NAME", ret->os_name, sizeof(ret->os_name));
	proc_os_release_of(os, "VERSION_ID", ret->os_version, sizeof(ret->os_version));
	if (uname(&u) == 0)
		(void)str_copy(ret->kernel, sizeof(ret->kernel), u.release);
	root_disk(&ret->disk);
}

static bool is_shown(const char *name)
{
	return str_equal(name, "dstack-wg0") || str_starts(name, "enp") || str_starts(name, "eth");
}

/* How many leading bits are set. */
static uint32_t prefix_of(const uint8_t *mask, size_t n)
{
	uint32_t bits = 0;
	size_t i;

	for (i = 0; i < n; i++)
		bits += (uint32_t)__builtin_popcount(mask[i]);
	return bits;
}

static void add_address(struct machine_interface *to, const struct ifaddrs *a)
{
	struct machine_address *at = &to->addresses[to->n_addresses];
	struct sockaddr_in6 six, six_mask;
	struct sockaddr_in four, four_mask;

	if (a->ifa_addr->sa_family == AF_INET) {
		memcpy(&four, a->ifa_addr, sizeof(four));
		memcpy(&four_mask, a->ifa_netmask, sizeof(four_mask));
		(void)inet_ntop(AF_INET, &four.sin_addr, at->text, sizeof(at->text));
		at->prefix = prefix_of((const uint8_t *)&four_mask.sin_addr, 4);
	} else {
		memcpy(&six, a->ifa_addr, sizeof(six));
		memcpy(&six_mask, a->ifa_netmask, sizeof(six_mask));
		(void)inet_ntop(AF_INET6, &six.sin6_addr, at->text, sizeof(at->text));
		at->prefix = prefix_of(six_mask.sin6_addr.s6_addr, 16);
	}
	to->n_addresses++;
}

static void add_addresses(struct machine_interface *to, const struct ifaddrs *all)
{
	const struct ifaddrs *a;

	for (a = all; a && to->n_addresses < MACHINE_ADDRESSES_MAX; a = a->ifa_next) {
		if (!a->ifa_addr || !a->ifa_netmask || !str_equal(a->ifa_name, to->counts.name))
			continue;
		if (a->ifa_addr->sa_family == AF_INET || a->ifa_addr->sa_family == AF_INET6)
			add_address(to, a);
	}
}

void machine_network_now(struct machine_network *ret)
{
	auto_free char *dev = text_of("/proc/net/dev"), *route = text_of("/proc/net/route");
	auto_free char *resolv = text_of("/etc/resolv.conf");
	struct proc_interface rows[MACHINE_INTERFACES_MAX];
	struct ifaddrs *all = NULL;
	size_t n, i;

	memset(ret, 0, sizeof(*ret));
	ret->n_dns = proc_nameservers_of(resolv, ret->dns, MACHINE_SERVERS_MAX);
	ret->n_gateways = proc_gateways_of(route, ret->gateways, MACHINE_SERVERS_MAX);
	n = proc_interfaces_of(dev, rows, MACHINE_INTERFACES_MAX);
	if (getifaddrs(&all) < 0)
		all = NULL;
	for (i = 0; i < n; i++) {
		if (!is_shown(rows[i].name))
			continue;
		ret->interfaces[ret->n_interfaces].counts = rows[i];
		add_addresses(&ret->interfaces[ret->n_interfaces], all);
		ret->n_interfaces++;
	}
	if (all)
		freeifaddrs(all);
}

bool machine_is_td(void)
{
	auto_free char *cpu = text_of("/proc/cpuinfo");

	return proc_is_td(cpu);
}

unsigned int machine_gpus(void)
{
	auto_dir DIR *dir = opendir("/sys/bus/pci/devices");
	char path[288], class[16];
	const struct dirent *d;
	unsigned int n = 0;

	while (dir && (d = readdir(dir))) {
		if (d->d_name[0] == '.' ||
		    str_format(path, sizeof(path), "/sys/bus/pci/devices/%s/class", d->d_name) < 0)
			continue;
		machine_line(path, class, sizeof(class));
		n += str_starts(class, "0x0300") || str_starts(class, "0x0302");
	}
	return n;
}
