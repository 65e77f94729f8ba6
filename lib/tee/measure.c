/* SPDX-License-Identifier: Apache-2.0 */
#include "tee/measure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "tee/event.h"
#include "tee/mrtd.h"
#include "wire/acpi.h"
#include "wire/bzimage.h"
#include "wire/pe.h"
#include "wire/tdvf.h"

/* What OVMF puts behind the command line when there is an initrd. */
static const char initrd_option[] = " initrd=initrd";

static int parse_firmware(const void *p, size_t n, struct tdvf *ret, struct err *e)
{
	enum tdvf_verdict v = tdvf_parse(p, n, ret);

	if (v != TDVF_OK)
		return err_set(e, ERR_INPUT, "firmware: %s", tdvf_verdict_text(v));
	if (!tdvf_only(ret, TDVF_CFV))
		return err_set(e, ERR_INPUT, "firmware: it has no CFV section, or two");
	return 0;
}

static struct digest384 cfv_digest(const void *firmware, const struct tdvf *t)
{
	const struct tdvf_section *s = tdvf_only(t, TDVF_CFV);

	return digest384_bytes((const uint8_t *)firmware + s->data_offset, s->raw_size);
}

int measure_firmware(const void *p, size_t n, struct measure_firmware *ret, struct err *e)
{
	struct tdvf t;
	int rc = parse_firmware(p, n, &t, e);

	if (rc == 0)
		rc = td_hob_layout_of(&t, &ret->layout, e);
	if (rc < 0)
		return rc;
	ret->mrtd_single = mrtd_of(p, &t, false);
	ret->mrtd_two = mrtd_of(p, &t, true);
	ret->cfv = cfv_digest(p, &t);
	return 0;
}

int measure_td_hob(const struct td_hob_layout *l, uint64_t memory, struct digest384 *ret,
		   struct err *e)
{
	auto_buf struct buf hob = BUF_MAX(TD_HOB_BYTES_MAX);
	int rc = td_hob_build(l, memory, &hob, e);

	if (rc == 0)
		*ret = digest384_bytes(hob.p, hob.n);
	return rc;
}

static int digest_pe(const uint8_t *p, size_t n, struct digest384 *ret, struct err *e)
{
	struct digest_part parts[PE_RANGES_MAX];
	struct pe_ranges ranges;
	enum pe_verdict v = pe_authenticode(p, n, &ranges);
	size_t i;

	if (v != PE_OK)
		return err_set(e, ERR_INPUT, "kernel: %s", pe_verdict_text(v));
	for (i = 0; i < ranges.n; i++)
		parts[i] = (struct digest_part){ p + ranges.p[i].offset, ranges.p[i].n };
	*ret = digest384_of(parts, ranges.n);
	return 0;
}

int measure_kernel(const struct measure_input *in, struct digest384 *ret, struct err *e)
{
	const struct bzimage_boot boot = { .cmdline = in->cmdline,
					   .initrd_size = in->initrd_size,
					   .memory = in->memory };
	enum bzimage_verdict v;
	auto_free uint8_t *copy = NULL;

	if (in->n_kernel > MEASURE_KERNEL_MAX)
		return err_set(e, ERR_INPUT, "kernel: more than %d MiB", MEASURE_KERNEL_MAX >> 20);
	copy = malloc(in->n_kernel ? in->n_kernel : 1);
	if (!copy)
		return err_set(e, -ENOMEM, "kernel: out of memory");
	if (in->n_kernel)
		memcpy(copy, in->kernel, in->n_kernel);
	v = bzimage_patch(copy, in->n_kernel, &boot);
	if (v != BZIMAGE_OK)
		return err_set(e, ERR_INPUT, "kernel: %s", bzimage_verdict_text(v));
	return digest_pe(copy, in->n_kernel, ret, e);
}

/* As UTF-16, little-endian. */
static void add_wide(struct digest384_run *run, const char *s, size_t n)
{
	uint8_t wide[2] = { 0 };
	size_t i;

	for (i = 0; i < n; i++) {
		wide[0] = (uint8_t)s[i];
		digest384_add(run, wide, sizeof(wide));
	}
}

int measure_cmdline(const char *cmdline, struct digest384 *ret, struct err *e)
{
	struct digest384_run *run;
	size_t n = strlen(cmdline), i;

	if (n > BZIMAGE_CMDLINE_MAX)
		return err_set(e, ERR_INPUT, "command line: more than %d bytes",
			       BZIMAGE_CMDLINE_MAX);
	for (i = 0; i < n; i++) {
		if (cmdline[i] < ' ' || cmdline[i] > '~')
			return err_set(e, ERR_INPUT,
				       "command line: byte %zu is not printable ASCII", i + 1);
	}
	run = digest384_begin();
	add_wide(run, cmdline, n);
	add_wide(run, initrd_option, sizeof(initrd_option)); /* its final 0 too */
	*ret = digest384_end(run);
	return 0;
}

/* QEMU's blob is as large as it says; a recording that was cut after its last table gets its zeros back. */
static struct digest384 digest_tables(const uint8_t *p, size_t n, size_t whole)
{
	static const uint8_t zeros[4096];
	struct digest384_run *run = digest384_begin();
	size_t some;

	digest384_add(run, p, n);
	for (; n < whole; n += some) {
		some = whole - n < sizeof(zeros) ? whole - n : sizeof(zeros);
		digest384_add(run, zeros, some);
	}
	return digest384_end(run);
}

int measure_acpi_of(const void *tables, size_t n, struct measure_acpi *ret, struct err *e)
{
	uint8_t loader[ACPI_LOADER_SIZE], rsdp[ACPI_RSDP_SIZE];
	struct acpi_tables t;

	if (acpi_tables_read(tables, n, &t, e) < 0)
		return err_wrap(e, ERR_INPUT, "ACPI tables");
	acpi_loader(&t, loader);
	acpi_rsdp(&t, rsdp);
	ret->loader = digest384_bytes(loader, sizeof(loader));
	ret->rsdp = digest384_bytes(rsdp, sizeof(rsdp));
	ret->tables = digest_tables(tables, n, acpi_blob_size(&t));
	return 0;
}

int measure_compute(const struct measure_input *in, struct measurement *ret, struct err *e)
{
	struct measure_parts parts = { .initrd = in->initrd };
	struct td_hob_layout layout;
	struct tdvf t;
	int rc = parse_firmware(in->firmware, in->n_firmware, &t, e);

	if (rc == 0)
		rc = td_hob_layout_of(&t, &layout, e);
	if (rc == 0)
		rc = measure_td_hob(&layout, in->memory, &parts.td_hob, e);
	if (rc == 0)
		rc = measure_kernel(in, &parts.kernel, e);
	if (rc == 0)
		rc = measure_cmdline(in->cmdline, &parts.cmdline, e);
	if (rc == 0 && in->acpi)
		parts.acpi = *in->acpi;
	else if (rc == 0)
		rc = measure_acpi_of(in->acpi_tables, in->n_acpi_tables, &parts.acpi, e);
	if (rc == 0 && in->initrd_size == 0)
		rc = err_set(e, ERR_INPUT, "initrd: it is empty");
	if (rc < 0)
		return rc;
	parts.mrtd = mrtd_of(in->firmware, &t, in->two_pass);
	parts.cfv = cfv_digest(in->firmware, &t);
	measure_assemble(&parts, ret);
	return 0;
}
