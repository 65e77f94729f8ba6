/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/host_devices.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/num.h"
#include "base/str.h"

enum {
	NVIDIA = 0x10de,
	CLASS_VGA = 0x0300,
	CLASS_3D = 0x0302,
	CLASS_BRIDGE = 0x06, /* any below 0x06xx */
	FILE_MAX = 255,
	PATH_SIZE = 512,
};

static unsigned int hex_digit(char c)
{
	unsigned char u = (unsigned char)c;

	return isdigit(u) ? (unsigned int)(u - '0') : (unsigned int)(tolower(u) - 'a' + 10);
}

/* Up to @most hex digits, then @end.  Return: where to go on, or NULL. */
static const char *hex_part(const char *p, size_t most, char end, unsigned int *ret)
{
	unsigned int v = 0;
	size_t i;

	for (i = 0; i < most && isxdigit((unsigned char)p[i]); i++)
		v = v << 4 | hex_digit(p[i]);
	if (i == 0 || p[i] != end)
		return NULL;
	*ret = v;
	return end ? p + i + 1 : p + i;
}

int pci_slot_parse(const char *text, struct pci_slot *ret)
{
	struct pci_slot s = { .domain = 0 };
	const char *p = text, *colon = strchr(text, ':');

	if (colon && strchr(colon + 1, ':'))
		p = hex_part(p, 4, ':', &s.domain);
	if (p)
		p = hex_part(p, 2, ':', &s.bus);
	if (p)
		p = hex_part(p, 2, '.', &s.slot);
	if (p)
		p = hex_part(p, 1, 0, &s.function);
	if (!p || s.slot > 31 || s.function > 7)
		return -1;
	*ret = s;
	return 0;
}

void pci_slot_text(const struct pci_slot *s, char ret[static PCI_SLOT_SIZE])
{
	if (s->domain) {
		(void)str_format(ret, PCI_SLOT_SIZE, "%04x:%02x:%02x.%x", s->domain, s->bus,
				 s->slot, s->function);
	} else {
		(void)str_format(ret, PCI_SLOT_SIZE, "%02x:%02x.%x", s->bus, s->slot, s->function);
	}
}

/* The first line of an attribute; "" if it cannot be read.  file_read() wants sizes that sysfs does not tell. */
static const char *read_line(int at, const char *name, char ret[static FILE_MAX + 1])
{
	auto_close int fd = openat(at, name, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : fd_read_full(fd, ret, FILE_MAX);

	ret[n < 0 ? 0 : n] = 0;
	ret[strcspn(ret, "\n")] = 0;
	return ret;
}

static unsigned int read_hex(int at, const char *name)
{
	char text[FILE_MAX + 1];
	const char *p = read_line(at, name, text);
	unsigned int v = 0;

	if (str_starts(p, "0x"))
		(void)hex_part(p + 2, 8, 0, &v);
	return v;
}

static void read_driver(int at, char ret[static 32])
{
	char target[PATH_SIZE];
	ssize_t n = readlinkat(at, "driver", target, sizeof(target) - 1);
	const char *slash;

	ret[0] = 0;
	if (n <= 0)
		return;
	target[n] = 0;
	slash = strrchr(target, '/');
	if (str_copy(ret, 32, slash ? slash + 1 : target) < 0)
		(void)str_copy(ret, 32, "unknown");
}

/* -1 is what the kernel says on hosts without NUMA. */
static unsigned int read_node(int at)
{
	char text[FILE_MAX + 1];
	uint32_t v = 0;

	return num_parse_u32(read_line(at, "numa_node", text), 0, 1023, &v) ? 0 : v;
}

/* Return: is it one of those that we look for? */
static bool read_device(int dir, const char *name, struct host_gpu *ret)
{
	auto_close int at = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct host_gpu g = { .node = 0 };
	unsigned int kind;

	if (at < 0 || pci_slot_parse(name, &g.at))
		return false;
	g.vendor = (uint16_t)read_hex(at, "vendor");
	g.product = (uint16_t)read_hex(at, "device");
	kind = read_hex(at, "class") >> 8;
	g.is_bridge = kind >> 8 == CLASS_BRIDGE;
	g.is_display = kind == CLASS_VGA;
	if (g.vendor != NVIDIA || (kind != CLASS_VGA && kind != CLASS_3D && !g.is_bridge))
		return false;
	pci_slot_text(&g.at, g.slot);
	g.node = read_node(at);
	g.has_iommu = faccessat(at, "iommu_group", F_OK, 0) == 0;
	read_driver(at, g.driver);
	*ret = g;
	return true;
}

static int by_slot(const void *a, const void *b)
{
	const struct pci_slot *x = &((const struct host_gpu *)a)->at;
	const struct pci_slot *y = &((const struct host_gpu *)b)->at;
	unsigned long long l =
		(unsigned long long)x->domain << 24 | x->bus << 16 | x->slot << 8 | x->function;
	unsigned long long r =
		(unsigned long long)y->domain << 24 | y->bus << 16 | y->slot << 8 | y->function;

	return l < r ? -1 : l > r;
}

int host_gpus_read(const char *sysfs, struct host_gpu ret[static HOST_GPUS_MAX], size_t *ret_n,
		   struct err *e)
{
	char path[PATH_SIZE];
	const struct dirent *d;
	size_t n = 0;
	DIR *dir;

	if (str_format(path, sizeof(path), "%s/bus/pci/devices", sysfs) < 0)
		return err_set(e, ERR_INPUT, "the path of sysfs is too long");
	dir = opendir(path);
	if (!dir && errno != ENOENT)
		return err_errno(e, errno, "cannot read %s", path);
	while (dir && n < HOST_GPUS_MAX && (d = readdir(dir)) != NULL) {
		if (d->d_name[0] != '.' && read_device(dirfd(dir), d->d_name, &ret[n]))
			n++;
	}
	if (dir)
		(void)closedir(dir);
	qsort(ret, n, sizeof(*ret), by_slot);
	*ret_n = n;
	return 0;
}

int host_node_cpus(const char *sysfs, unsigned int node, char ret[static HOST_CPULIST_SIZE],
		   struct err *e)
{
	char path[PATH_SIZE], text[FILE_MAX + 1] = "";

	if (str_format(path, sizeof(path), "%s/devices/system/node/node%u/cpulist", sysfs, node) >
	    0)
		(void)read_line(AT_FDCWD, path, text);
	if (!*text || text[strspn(text, "0123456789,-")])
		return err_set(e, ERR_MISSING, "pin_numa: this host has no CPUs on a NUMA node %u",
			       node);
	return str_copy(ret, HOST_CPULIST_SIZE, text) < 0 ? ERR_MISSING : 0;
}

static uint64_t free_pages(const char *sysfs, unsigned int node, unsigned int kib)
{
	char path[PATH_SIZE], text[FILE_MAX + 1] = "";
	uint64_t n = 0;

	if (str_format(path, sizeof(path),
		       "%s/devices/system/node/node%u/hugepages/hugepages-%ukB/free_hugepages",
		       sysfs, node, kib) > 0)
		(void)num_parse_u64(read_line(AT_FDCWD, path, text), 0, UINT32_MAX, &n);
	return n;
}

int host_hugepage_size(const char *sysfs, const unsigned int *nodes, size_t n, uint64_t mib,
		       unsigned int *ret_kib, struct err *e)
{
	static const unsigned int sizes[] = { 1048576, 2048 };
	size_t i, j, short_of = 0;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		for (j = 0;
		     j < n && free_pages(sysfs, nodes[j], sizes[i]) * sizes[i] / 1024 >= mib;)
			j++;
		if (j == n) {
			*ret_kib = sizes[i];
			return 0;
		}
		short_of = j;
	}
	return err_set(
		e, ERR_MISSING,
		"hugepages: NUMA node %u has %llu pages of 1 GiB and %llu of 2 MiB free, and this "
		"VM "
		"needs %llu MiB there; reserve them in /sys/devices/system/node/node%u/hugepages/*/"
		"nr_hugepages",
		nodes[short_of], (unsigned long long)free_pages(sysfs, nodes[short_of], sizes[0]),
		(unsigned long long)free_pages(sysfs, nodes[short_of], sizes[1]),
		(unsigned long long)mib, nodes[short_of]);
}
