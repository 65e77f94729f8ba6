/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/image_measure.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "data/sys_vm_config.h"
#include "store/image.h"
#include "tee/lite_config.h"
#include "tee/measure.h"
#include "wire/acpi.h"
#include "wire/bzimage.h"

/* The image's files, read or digested. */
struct files {
	struct buf firmware, kernel;
	struct digest384 initrd;
	uint64_t initrd_size;
};

static void files_deinit(struct files *f)
{
	buf_deinit(&f->firmware);
	buf_deinit(&f->kernel);
}

static int digest_file(const char *path, struct digest384 *ret, uint64_t *ret_size, struct err *e)
{
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	int rc;

	if (fd < 0)
		return err_errno(e, errno, "cannot open %s", path);
	rc = digest384_fd(fd, ret, ret_size, e);
	return rc < 0 ? err_wrap(e, rc, "%s", path) : 0;
}

static int files_read(const struct image *im, struct files *f, struct err *e)
{
	int rc;

	if (!im->bios) {
		return err_set(
			e, ERR_MISSING,
			"image %s has no firmware (\"bios\" in its metadata.json): a TD of it "
			"cannot be started or measured",
			im->name);
	}
	rc = file_read(AT_FDCWD, im->bios, MEASURE_FIRMWARE_MAX, &f->firmware, e);
	if (rc == 0)
		rc = file_read(AT_FDCWD, im->kernel, MEASURE_KERNEL_MAX, &f->kernel, e);
	if (rc == 0)
		rc = digest_file(im->initrd, &f->initrd, &f->initrd_size, e);
	return rc;
}

static struct measure_input input_of(const struct image *im, const struct files *f, uint64_t memory)
{
	return (struct measure_input){
		.firmware = f->firmware.p,
		.n_firmware = f->firmware.n,
		.kernel = f->kernel.p,
		.n_kernel = f->kernel.n,
		.initrd = f->initrd,
		.initrd_size = f->initrd_size,
		.cmdline = im->cmdline ? im->cmdline : "",
		.memory = memory,
	};
}

/* The tables of the machine, if they are not recorded. */
static int ask(const struct image_measure_args *args, struct buf *ret,
	       struct acpi_answer *ret_answer, struct err *e)
{
	struct acpi_answer answer = { .was_cached = false };
	int rc = 0;

	if (!args->tables && !args->acpi) {
		rc = acpi_oracle(&args->machine.shape, &args->source, args->machine.qemu_version,
				 ret, &answer, e);
	}
	if (rc == 0 && ret_answer)
		*ret_answer = answer;
	return rc;
}

int image_measure(const struct image *im, const struct image_measure_args *args,
		  struct measurement *ret, struct acpi_answer *ret_answer, struct err *e)
{
	__attribute__((cleanup(files_deinit))) struct files f = { .initrd_size = 0 };
	auto_buf struct buf asked = BUF_MAX(ACPI_BLOB_MAX);
	const struct buf *tables = args->tables ? args->tables : &asked;
	struct measure_input in;
	int rc = files_read(im, &f, e);

	if (rc == 0)
		rc = ask(args, &asked, ret_answer, e);
	if (rc < 0)
		return rc;
	in = input_of(im, &f, args->machine.shape.memory);
	in.two_pass = args->machine.two_pass;
	in.acpi_tables = tables->p;
	in.n_acpi_tables = tables->n;
	in.acpi = args->acpi;
	rc = measure_compute(&in, ret, e);
	return rc < 0 ? err_wrap(e, rc, "image %s", im->name) : 0;
}

int image_measure_lite(const struct sys_vm_config *vm, const struct image_measure_args *args,
		       struct measurement *ret, struct acpi_answer *ret_answer, struct err *e)
{
	auto_buf struct buf asked = BUF_MAX(ACPI_BLOB_MAX);
	struct lite_document document;
	struct measure_acpi acpi;
	const struct buf *tables = args->tables ? args->tables : &asked;
	int rc = lite_config_read(vm, &document, e);

	if (rc == 0)
		rc = ask(args, &asked, ret_answer, e);
	if (rc == 0)
		rc = measure_acpi_of(tables->p, tables->n, &acpi, e);
	if (rc < 0)
		return rc;
	return lite_measure(&document, args->machine.shape.memory, args->machine.two_pass, &acpi,
			    ret, e);
}

int image_facts(const struct image *im, struct image_facts *ret, struct err *e)
{
	__attribute__((cleanup(files_deinit))) struct files f = { .initrd_size = 0 };
	struct measure_firmware firmware;
	struct image_facts facts = { .has_known_cfv = false };
	struct measure_input in;
	int rc = files_read(im, &f, e);

	if (rc < 0)
		return rc;
	in = input_of(im, &f, BZIMAGE_SPLIT_LOW);
	rc = measure_firmware(f.firmware.p, f.firmware.n, &firmware, e);
	if (rc == 0)
		rc = measure_kernel(&in, &facts.document.kernel, e);
	if (rc == 0)
		rc = measure_cmdline(in.cmdline, &facts.document.cmdline, e);
	if (rc < 0)
		return err_wrap(e, rc, "image %s", im->name);
	facts.document.initrd = f.initrd;
	facts.document.mrtd_single = firmware.mrtd_single;
	facts.document.mrtd_two = firmware.mrtd_two;
	facts.document.layout = firmware.layout;
	facts.cfv = firmware.cfv;
	facts.has_known_cfv = lite_knows_cfv(&firmware.cfv);
	*ret = facts;
	return 0;
}
