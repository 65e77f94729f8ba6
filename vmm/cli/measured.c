/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/measured.h"

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fd.h"
#include "base/str.h"
#include "cli/image_folder.h"
#include "cli/input.h"
#include "measure/acpi_cache.h"
#include "measure/qemu_binary.h"
#include "store/image.h"
#include "wire/acpi.h"

enum { HEX_SIZE = 2 * (int)sizeof(struct digest384) + 1 };

/* The version of the QEMU that will be asked, if a TD can run on it; else the one that verifiers take. */
static int own_version(struct measured *d, struct qemu_binary *qemu, struct err *e)
{
	auto_close int cache = acpi_cache_open(d->source.cache);
	bool pic, two_pass;
	int rc = qemu_binary_find(d->source.qemu, cache, qemu, e);

	if (rc < 0)
		return rc;
	if (machine_habits(qemu->version, &pic, &two_pass, NULL) == 0)
		d->vm.qemu_version = qemu->version;
	return 0;
}

static int check_machine(const struct measured *d, struct err *e)
{
	if (d->vm.cpu_count == 0)
		return err_set(e, ERR_INPUT,
			       "how many vCPUs?  Write --cpus N, or --vm-config FILE");
	if (d->vm.memory_size == 0)
		return err_set(e, ERR_INPUT,
			       "how much memory?  Write --memory 4G, or --vm-config FILE");
	return 0;
}

static int measure_folder(struct measured *d, const struct image_measure_args *args, struct err *e)
{
	struct image *im = NULL;
	char hash[65];
	int rc = image_folder_load(d->image, &im, e);

	str_hex(hash, d->vm.os_image_hash, sizeof(d->vm.os_image_hash));
	if (rc == 0 && d->vm.has_os_image_hash && im->digest[0] && !str_equal(hash, im->digest)) {
		rc = err_set(
			e, ERR_INPUT,
			"vm_config is of another image: its os_image_hash is %.16s..., that of %s "
			"is %.16s...",
			hash, im->name, im->digest);
	}
	if (rc == 0)
		rc = image_measure(im, args, &d->m, &d->answer, e);
	d->takes_root_disk = rc == 0 && !im->rootfs && args->machine.shape.root_verity;
	image_free(im);
	return rc;
}

int measured_run(struct measured *d, struct err *e)
{
	auto_buf struct buf tables = { 0 };
	struct image_measure_args args = { .source = d->source };
	struct qemu_binary qemu;
	int rc = check_machine(d, e);

	if (rc == 0 && d->acpi_tables) {
		rc = input_read(d->acpi_tables, ACPI_BLOB_MAX, &tables, e);
		args.tables = &tables;
	} else if (rc == 0 && !d->vm.qemu_version && !d->vm_doc) {
		rc = own_version(d, &qemu, e);
	}
	if (rc == 0)
		rc = machine_of(&d->vm, &d->machine, e);
	if (rc < 0)
		return rc;
	d->vm.qemu_version = d->machine.qemu_version;
	args.machine = d->machine;
	return d->image ? measure_folder(d, &args, e)
			: image_measure_lite(&d->vm, &args, &d->m, &d->answer, e);
}

static void put(json_t *o, const char *key, const struct digest384 *d)
{
	char hex[HEX_SIZE];

	str_hex(hex, d->b, sizeof(d->b));
	(void)json_object_set_new(o, key, json_string(hex));
}

json_t *measured_registers(const struct measured *d)
{
	json_t *o = json_object();

	put(o, "mrtd", &d->m.mrtd);
	put(o, "rtmr0", &d->m.rtmr[0]);
	put(o, "rtmr1", &d->m.rtmr[1]);
	put(o, "rtmr2", &d->m.rtmr[2]);
	return o;
}

void measured_deinit(struct measured *d)
{
	json_decref(d->vm_doc);
	d->vm_doc = NULL;
}
