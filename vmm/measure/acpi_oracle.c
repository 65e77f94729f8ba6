/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept is QEMU's own answer; what depends on the version that is wanted is worked out each time.
 *
 * QEMU's own script and root pointer must be those that follow from its tables: a QEMU that builds them otherwise is
 * one that we know nothing of.
 */
#include "measure/acpi_oracle.h"

#include <string.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/time.h"
#include "measure/acpi_cache.h"
#include "measure/qemu_binary.h"
#include "tee/acpi_profile.h"
#include "wire/acpi.h"

#define FORMAT "acpi 1" /* changes with anything that makes an answer of old wrong */

static struct digest256 key_of(const struct qemu_binary *qemu, const struct acpi_args *args)
{
	auto_free struct digest_part *parts = xcalloc(args->n + 1, sizeof(*parts));
	size_t i;

	parts[0] = (struct digest_part){ FORMAT, sizeof(FORMAT) };
	parts[1] = (struct digest_part){ qemu->digest.b, sizeof(qemu->digest.b) };
	for (i = 1; i < args->n; i++)
		parts[i + 1] = (struct digest_part){ args->argv[i], strlen(args->argv[i]) + 1 };
	return digest256_of(parts, args->n + 1);
}

static int check_rest(const struct qemu_files *f, const struct acpi_tables *t, struct err *e)
{
	uint8_t loader[ACPI_LOADER_SIZE], rsdp[ACPI_RSDP_SIZE];

	acpi_loader(t, loader);
	acpi_rsdp(t, rsdp);
	if (f->loader.n != sizeof(loader) || memcmp(f->loader.p, loader, sizeof(loader)) != 0)
		return err_set(e, ERR_HYPERVISOR,
			       "this QEMU's etc/table-loader does not follow from its tables");
	if (f->rsdp.n != sizeof(rsdp) || memcmp(f->rsdp.p, rsdp, sizeof(rsdp)) != 0)
		return err_set(e, ERR_HYPERVISOR,
			       "this QEMU's etc/acpi/rsdp does not follow from its tables");
	return 0;
}

/* Ask, and keep what was said up to the last table. */
static int ask(const struct acpi_args *args, int cache, const struct digest256 *key,
	       struct buf *ret, struct err *e)
{
	__attribute__((cleanup(qemu_files_deinit))) struct qemu_files f = { .tables = { 0 } };
	struct acpi_tables t;
	int rc;

	rc = qemu_ask(args->argv, time_mono_ms() + ACPI_ORACLE_DEADLINE_MS, &f, e);
	if (rc < 0)
		return rc;
	rc = acpi_tables_read(f.tables.p, f.tables.n, &t, e);
	if (rc == 0)
		rc = check_rest(&f, &t, e);
	if (rc < 0)
		return err_wrap(e, ERR_HYPERVISOR, "ACPI tables of '%s'", args->argv[0]);
	acpi_cache_put(cache, "tables", key, f.tables.p, t.used);
	return buf_add(ret, f.tables.p, t.used);
}

static int own_tables(const struct acpi_shape *shape, const struct qemu_binary *qemu, int cache,
		      struct buf *ret, bool *was_cached, struct err *e)
{
	auto_buf struct buf kept = { .p = NULL };
	auto_free struct acpi_args *args = xnew(struct acpi_args);
	struct acpi_tables t;
	struct digest256 key;

	acpi_shape_args(shape, qemu->path, args);
	key = key_of(qemu, args);
	*was_cached = acpi_cache_get(cache, "tables", &key, &kept) &&
		      acpi_tables_read(kept.p, kept.n, &t, NULL) == 0;
	if (*was_cached)
		return buf_add(ret, kept.p, kept.n);
	return ask(args, cache, &key, ret, e);
}

int acpi_oracle(const struct acpi_shape *shape, const struct acpi_source *source,
		const char *version, struct buf *tables, struct acpi_answer *ret, struct err *e)
{
	const struct acpi_machine machine = {
		.pic = shape->pic,
		.first_port = acpi_shape_first_port(shape),
		.ports = acpi_shape_root_ports(shape),
		.pci_hole64_size = shape->pci_hole64_size,
	};
	auto_close int cache = acpi_cache_open(source->cache);
	auto_buf struct buf own = BUF_MAX(ACPI_BLOB_MAX);
	struct acpi_answer answer;
	struct qemu_binary qemu;
	int rc;

	rc = acpi_shape_check(shape, e);
	if (rc == 0)
		rc = qemu_binary_find(source->qemu, cache, &qemu, e);
	if (rc == 0)
		rc = own_tables(shape, &qemu, cache, &own, &answer.was_cached, e);
	if (rc == 0)
		rc = acpi_profile(&own, qemu.version, version ? version : qemu.version, &machine,
				  tables, e);
	if (rc < 0)
		return rc;
	answer.qemu = qemu.digest;
	(void)str_copy(answer.qemu_version, sizeof(answer.qemu_version), qemu.version);
	if (ret)
		*ret = answer;
	return 0;
}
