/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why the machine looks the way it does:
 *
 * - Everything that has a PCI address is given one, so neither libvirt nor QEMU chooses; what libvirt would add
 *   by itself (USB, balloon, video) is switched off by name.
 * - One socket with all vCPUs as cores: what QEMU makes of dstack's "-smp N"; libvirt would make N sockets.
 * - Split interrupt chips exist under KVM only.
 * - A guest that reboots ends: a TD cannot be reset, and who started it decides what comes next.
 */
#include "domain/domain_xml.h"

#include "base/buf.h"
#include "base/err.h"
#include "domain/domain_parts.h"

#define QGS_PATH                                                                                   \
	"/var/run/tdx-qgs/qgs.socket" /* where libvirt and Intel's service meet by default */

/* The next slot, or the next @n; 0 if there are none to place. */
static unsigned int take(struct domain_slots *at, size_t n)
{
	unsigned int first = DOMAIN_SLOT_FIRST + at->n_used;

	at->n_used += (unsigned int)n;
	return n ? first : 0;
}

int domain_slots_of(const struct domain_spec *s, struct domain_slots *ret, struct err *e)
{
	const size_t most = DOMAIN_SLOT_LAST - DOMAIN_SLOT_FIRST + 1;
	struct domain_slots at = { .n_used = 0 };

	if (s->n_volumes > most || s->n_nics > most || s->n_gpus > most) {
		return err_set(e, ERR_INPUT,
			       "%zu volumes and %zu NICs; all devices of a VM share %zu slots",
			       s->n_volumes, s->n_nics, most);
	}
	at.rootfs = take(&at, s->rootfs != NULL);
	at.data_disk = take(&at, s->data_disk != NULL);
	at.volumes = take(&at, s->n_volumes);
	at.nics = take(&at, s->n_nics);
	at.vsock = take(&at, s->vsock != DOMAIN_VSOCK_NONE);
	at.share = take(&at, s->share != DOMAIN_SHARE_NONE);
	at.root_ports = take(&at, domain_root_ports(s));
	if (domain_has_expanders(s) && at.n_used >= DOMAIN_SLOT_EXPANDERS)
		return err_set(e, ERR_INPUT,
			       "%u devices; beside huge pages a VM with GPUs has slots for %d",
			       at.n_used, DOMAIN_SLOT_EXPANDERS - 1);
	if (at.n_used > most)
		return err_set(e, ERR_INPUT, "%u devices; a VM has slots for %zu", at.n_used, most);
	*ret = at;
	return 0;
}

static void put_dmi(struct xml_out *o, const struct domain_spec *s)
{
	xml_say(o,
		"  <sysinfo type='smbios'>\n    <system>\n"
		"      <entry name='manufacturer'>@</entry>\n      <entry "
		"name='product'>@</entry>\n"
		"    </system>\n  </sysinfo>\n",
		s->vendor ? s->vendor : "dstack", s->product ? s->product : "dstack");
}

static void put_os(struct xml_out *o, const struct domain_spec *s, const struct host_caps *caps)
{
	xml_say(o, "  <os>\n    <type arch='x86_64' machine='@'>hvm</type>\n", caps->machine);
	if (s->firmware)
		xml_say(o, "    <loader readonly='yes' type='rom'>@</loader>\n", s->firmware);
	xml_say(o, "    <kernel>@</kernel>\n    <initrd>@</initrd>\n", s->kernel, s->initrd);
	if (s->cmdline)
		xml_say(o, "    <cmdline>@</cmdline>\n", s->cmdline);
	xml_putf(o, "    <smbios mode='sysinfo'/>\n  </os>\n");
}

static void put_machine(struct xml_out *o, const struct domain_spec *s,
			const struct host_caps *caps)
{
	xml_putf(o, "  <features>\n    <acpi/>\n    <apic/>\n");
	if (caps->has_kvm)
		xml_putf(o, "    <ioapic driver='qemu'/>\n");
	xml_putf(o, "  </features>\n");
	xml_putf(o, caps->has_kvm ? "  <cpu mode='host-passthrough' check='none'>\n"
				  : "  <cpu mode='maximum' check='none'>\n");
	xml_putf(o, "    <topology sockets='1' dies='1' cores='%u' threads='1'/>\n", s->vcpus);
	domain_cells(o, s);
	xml_putf(o, "  </cpu>\n  <clock offset='utc'>\n    <timer name='hpet' present='no'/>\n  "
		    "</clock>\n"
		    "  <on_poweroff>destroy</on_poweroff>\n  <on_reboot>destroy</on_reboot>\n"
		    "  <on_crash>destroy</on_crash>\n");
}

static void put_tdx(struct xml_out *o, const struct domain_spec *s, const struct host_caps *caps)
{
	if (s->tee != DOMAIN_TEE_TDX || caps->tdx != HOST_TDX_LIBVIRT)
		return;
	xml_putf(o, "  <launchSecurity type='tdx'>\n");
	if (s->mr_config_id)
		xml_say(o, "    <mrConfigId>@</mrConfigId>\n", s->mr_config_id);
	if (s->qgs_path || s->qgs_port)
		xml_say(o, "    <quoteGenerationService path='@'/>\n",
			s->qgs_path ? s->qgs_path : QGS_PATH);
	xml_putf(o, "  </launchSecurity>\n");
}

/*
 * A system-wide libvirt runs QEMU as its own user and confines it to the files that it knows of.  It does not know of
 * those on QEMU's command line: so QEMU is who we are, and confined as we are.
 */
static void put_labels(struct xml_out *o, const struct host_caps *caps)
{
	if (caps->owner[0]) {
		xml_say(o,
			"  <seclabel type='static' model='dac' relabel='no'>\n    "
			"<label>@</label>\n"
			"  </seclabel>\n",
			caps->owner);
	}
	if (caps->confinement[0])
		xml_say(o, "  <seclabel type='none' model='@'/>\n", caps->confinement);
}

int domain_xml(const struct domain_spec *s, const struct host_caps *caps, struct buf *ret,
	       struct err *e)
{
	struct xml_out o = { .b = ret };
	struct domain_slots at;
	int rc;

	rc = domain_check(s, caps, e);
	if (rc == 0)
		rc = domain_slots_of(s, &at, e);
	if (rc < 0)
		return rc;
	xml_say(&o, "<domain type='@' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n",
		caps->has_kvm ? "kvm" : "qemu");
	xml_say(&o, "  <name>@</name>\n  <uuid>@</uuid>\n", s->name, s->uuid);
	domain_memory(&o, s);
	domain_numatune(&o, s);
	put_dmi(&o, s);
	put_os(&o, s, caps);
	put_machine(&o, s, caps);
	domain_devices(&o, s, caps, &at);
	put_labels(&o, caps);
	put_tdx(&o, s, caps);
	domain_args(&o, s, caps, &at);
	xml_putf(&o, "</domain>\n");
	return o.rc < 0 ? err_set(e, o.rc, "domain '%s': its XML is too long", s->name) : 0;
}
