/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/machine.h"

#include <string.h>

#include "base/err.h"
#include "base/num.h"
#include "base/str.h"
#include "data/sys_vm_config.h"

enum { NUMBER_MAX = 9999, FIRST_MAJOR = 7, LAST_OLD_MAJOR = 8 };

/* "9.2.1": three numbers, nothing else. */
static int read_version(const char *s, uint32_t ret[static 3])
{
	char digits[8];
	size_t i, n;

	for (i = 0; i < 3; i++) {
		n = strspn(s, "0123456789");
		if (n >= sizeof(digits) || s[n] != (i < 2 ? '.' : 0) ||
		    str_format(digits, sizeof(digits), "%.*s", (int)n, s) < 0 ||
		    num_parse_u32(digits, 0, NUMBER_MAX, &ret[i]) < 0)
			return ERR_INPUT;
		s += n + 1;
	}
	return 0;
}

int machine_habits(const char *version, bool *ret_pic, bool *ret_two_pass, struct err *e)
{
	uint32_t v[3];
	char shown[48];

	if (read_version(version, v) < 0) {
		return err_set(e, ERR_INPUT, "QEMU version \"%s\" is not like 9.2.1",
			       str_escape(shown, sizeof(shown), version, strlen(version)));
	}
	if (v[0] < FIRST_MAJOR) {
		return err_set(e, ERR_INPUT,
			       "QEMU %u.%u.%u is older than what is known; 7.0.0 is the first",
			       v[0], v[1], v[2]);
	}
	*ret_pic = *ret_two_pass = v[0] <= LAST_OLD_MAJOR;
	return 0;
}

static int read_share(const char *mode, enum acpi_share *ret, struct err *e)
{
	char shown[48];

	*ret = ACPI_SHARE_9P;
	if (!mode || mode[0] == 0 || str_equal(mode, "9p"))
		return 0;
	*ret = ACPI_SHARE_DISK;
	if (str_equal(mode, "vhd") || str_equal(mode, "vvfat"))
		return 0;
	return err_set(e, ERR_INPUT,
		       "vm_config: host_share_mode: \"%s\" is neither 9p, vhd nor vvfat",
		       str_escape(shown, sizeof(shown), mode, strlen(mode)));
}

int machine_of(const struct sys_vm_config *vm, struct machine *ret, struct err *e)
{
	const char *version = vm->qemu_version ? vm->qemu_version : MACHINE_DEFAULT_VERSION;
	struct machine m = { .shape = { .cpus = vm->cpu_count,
					.memory = vm->memory_size,
					.hotplug_off = vm->hotplug_off,
					.pci_hole64_size = vm->pci_hole64_size,
					.nics = vm->num_nics,
					.volumes = vm->num_verity_volumes,
					.root_verity = !vm->no_root_disk,
					.gpus = vm->num_gpus,
					.nvswitches = vm->num_nvswitches,
					.nodes = vm->hugepages ? 1 : 0 } };
	int rc;

	if (vm->swtpm)
		return err_set(e, ERR_INPUT,
			       "vm_config: swtpm: tables of a VM with a TPM are not computed");
	if (vm->ovmf_variant && !str_equal(vm->ovmf_variant, "pre202505")) {
		return err_set(e, ERR_INPUT,
			       "vm_config: ovmf_variant: not pre202505; the events of firmware "
			       "since EDK2 202505 are not known");
	}
	rc = machine_habits(version, &m.shape.pic, &m.two_pass, e);
	if (rc == 0)
		rc = read_share(vm->host_share_mode, &m.shape.share, e);
	if (rc < 0)
		return rc;
	if (vm->pic >= 0)
		m.shape.pic = vm->pic;
	if (vm->single_pass_add_pages >= 0)
		m.two_pass = vm->single_pass_add_pages;
	(void)str_copy(m.qemu_version, sizeof(m.qemu_version), version); /* read: it is short */
	*ret = m;
	return 0;
}
