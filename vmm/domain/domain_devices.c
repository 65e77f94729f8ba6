/* SPDX-License-Identifier: Apache-2.0 */
#include "domain/domain_parts.h"

#include "base/str.h"

enum disk_kind { DISK_RAW_READ_ONLY, DISK_QCOW2 };

static void put_address(struct xml_out *o, unsigned int slot)
{
	xml_putf(o,
		 "      <address type='pci' domain='0x0000' bus='0x00' slot='0x%02x' "
		 "function='0x0'/>\n",
		 slot);
}

/* The guest's name for a disk follows from its slot; ours only has to be unique: vda, vdb, ... */
static void put_disk(struct xml_out *o, enum disk_kind kind, const char *path, unsigned int slot)
{
	char target[8];

	(void)str_format(target, sizeof(target), "vd%s%c", slot > 26 ? "a" : "",
			 'a' + (int)(slot - 1) % 26);
	xml_say(o,
		"    <disk type='file' device='disk'>\n      <driver name='qemu' type='@'/>\n"
		"      <source file='@'/>\n      <target dev='@' bus='virtio'/>\n",
		kind == DISK_QCOW2 ? "qcow2" : "raw", path, target);
	if (kind == DISK_RAW_READ_ONLY)
		xml_putf(o, "      <readonly/>\n");
	put_address(o, slot);
	xml_putf(o, "    </disk>\n");
}

static void put_disks(struct xml_out *o, const struct domain_spec *s, const struct domain_slots *at)
{
	size_t i;

	if (s->rootfs)
		put_disk(o, DISK_RAW_READ_ONLY, s->rootfs, at->rootfs);
	if (s->data_disk)
		put_disk(o, DISK_QCOW2, s->data_disk, at->data_disk);
	for (i = 0; i < s->n_volumes; i++)
		put_disk(o, DISK_RAW_READ_ONLY, s->volumes[i], at->volumes + (unsigned int)i);
	if (s->share == DOMAIN_SHARE_DISK)
		put_disk(o, DISK_RAW_READ_ONLY, s->share_path, at->share);
}

static void put_bus(struct xml_out *o, const struct domain_spec *s)
{
	xml_putf(o, "    <controller type='usb' index='0' model='none'/>\n");
	if (s->pci_hole64_size) {
		xml_putf(o,
			 "    <controller type='pci' index='0' model='pcie-root'>\n"
			 "      <pcihole64 unit='KiB'>%llu</pcihole64>\n    </controller>\n",
			 (unsigned long long)(s->pci_hole64_size / 1024));
	} else {
		xml_putf(o, "    <controller type='pci' index='0' model='pcie-root'/>\n");
	}
}

static void put_9p(struct xml_out *o, const char *folder, unsigned int slot)
{
	xml_say(o,
		"    <filesystem type='mount' accessmode='mapped'>\n      <source dir='@'/>\n"
		"      <target dir='host-shared'/>\n      <readonly/>\n",
		folder);
	put_address(o, slot);
	xml_putf(o, "    </filesystem>\n");
}

static void put_vsock(struct xml_out *o, uint32_t cid, unsigned int slot)
{
	xml_putf(o, "    <vsock model='virtio'>\n      <cid auto='no' address='%u'/>\n", cid);
	put_address(o, slot);
	xml_putf(o, "    </vsock>\n");
}

void domain_devices(struct xml_out *o, const struct domain_spec *s, const struct host_caps *caps,
		    const struct domain_slots *at)
{
	xml_say(o, "  <devices>\n    <emulator>@</emulator>\n", caps->emulator);
	put_disks(o, s, at);
	put_bus(o, s);
	domain_ports(o, s, at);
	if (s->share == DOMAIN_SHARE_9P)
		put_9p(o, s->share_path, at->share);
	xml_putf(o, "    <audio id='1' type='none'/>\n");
	domain_hostdevs(o, s);
	xml_putf(o, "    <video>\n      <model type='none'/>\n    </video>\n    <memballoon "
		    "model='none'/>\n");
	if (s->vsock == DOMAIN_VSOCK_KERNEL)
		put_vsock(o, s->cid, at->vsock);
	xml_putf(o, "  </devices>\n");
}
