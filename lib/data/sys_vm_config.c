/* SPDX-License-Identifier: Apache-2.0 */
#include "data/sys_vm_config.h"

#include "base/err.h"
#include "base/str.h"
#include "data/fields.h"
#include "data/json.h"

static void read_variant(struct fields *f, struct sys_vm_config *vm)
{
	static const char *const variants[] = { "legacy", "lite", NULL };
	const char *variant = fields_one_of(f, "tdx_attestation_variant", variants);

	vm->is_lite = variant && str_equal(variant, "lite");
}

/* 1, 0, or -1 if it is absent or null. */
static int read_switch(struct fields *f, const char *key)
{
	const json_t *v = json_object_get(f->o, key);

	return !v || json_is_null(v) ? -1 : fields_bool(f, key, false);
}

/* Both texts, or nothing. */
static void read_measurement(struct fields *f, struct sys_vm_config *vm)
{
	struct fields in = { .what = f->what, .e = f->e, .rc = f->rc };

	in.o = fields_object(f, "tdx_measurement");
	if (!in.o || f->rc < 0)
		return;
	vm->sums = fields_need_text(&in, "checksum_file");
	vm->measurement = fields_need_text(&in, "measurement");
	f->rc = in.rc;
}

int sys_vm_config_read(const json_t *o, const char *what, struct sys_vm_config *ret, struct err *e)
{
	struct fields f = { .o = o, .what = what, .e = e };
	struct sys_vm_config c = { .has_os_image_hash = false }, *vm = &c;

	vm->has_os_image_hash =
		fields_text(&f, "os_image_hash", "")[0] != 0 &&
		fields_hex(&f, "os_image_hash", vm->os_image_hash, sizeof(vm->os_image_hash));
	vm->cpu_count = (uint32_t)fields_u64(&f, "cpu_count", 0, UINT32_MAX, 0);
	vm->memory_size = fields_u64(&f, "memory_size", 0, INT64_MAX, 0);
	vm->single_pass_add_pages = read_switch(&f, "qemu_single_pass_add_pages");
	vm->pic = read_switch(&f, "pic");
	vm->qemu_version = fields_text_or_null(&f, "qemu_version");
	vm->pci_hole64_size = fields_u64(&f, "pci_hole64_size", 0, INT64_MAX, 0);
	vm->hugepages = fields_bool(&f, "hugepages", false);
	vm->hotplug_off = fields_bool(&f, "hotplug_off", false);
	vm->swtpm = fields_bool(&f, "swtpm", false);
	vm->no_root_disk = !fields_bool(&f, "root_disk", true);
	vm->num_gpus = (uint32_t)fields_u64(&f, "num_gpus", 0, UINT32_MAX, 0);
	vm->num_nvswitches = (uint32_t)fields_u64(&f, "num_nvswitches", 0, UINT32_MAX, 0);
	vm->num_nics = (uint32_t)fields_u64(&f, "num_nics", 0, UINT32_MAX, 1);
	vm->num_verity_volumes = (uint32_t)fields_u64(&f, "num_verity_volumes", 0, UINT32_MAX, 0);
	vm->image = fields_text_or_null(&f, "image");
	vm->host_share_mode = fields_text_or_null(&f, "host_share_mode");
	vm->ovmf_variant = fields_text_or_null(&f, "ovmf_variant");
	vm->mr_config = fields_text_or_null(&f, "mr_config");
	read_variant(&f, vm);
	read_measurement(&f, vm);
	if (f.rc == 0)
		*ret = c;
	return f.rc;
}

int sys_vm_config_parse(const void *p, size_t n, json_t **ret_doc, struct sys_vm_config *ret,
			struct err *e)
{
	json_t *doc = NULL;
	int rc = json_parse(p, n, SYS_VM_CONFIG_MAX, "vm_config", &doc, e);

	if (rc == 0 && !json_is_object(doc))
		rc = err_set(e, ERR_INPUT, "vm_config: expected an object");
	if (rc == 0)
		rc = sys_vm_config_read(doc, "vm_config", ret, e);
	if (rc < 0)
		json_decref(doc);
	else
		*ret_doc = doc;
	return rc;
}
