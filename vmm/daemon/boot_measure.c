/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record is {"version": 1, "machine": sha256, "qemu_version", "qemu_sha256", "acpi_sha256"}: machine is the digest of
 * what shows in the tables, so that a VM that was changed by an update is not taken for a QEMU that was.
 *
 * A QEMU of another digest with the same version and the same tables, as a security update brings, is no drift: nothing
 * that is measured depends on it.  It is recorded anew and logged.
 */
#include "daemon/boot_measure.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "base/err.h"
#include "base/fd.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/start_plan.h"
#include "data/json.h"
#include "data/sys_vm_config.h"
#include "measure/acpi_cache.h"
#include "measure/image_measure.h"
#include "measure/qemu_binary.h"
#include "store/image.h"
#include "tee/lite.h"
#include "wire/acpi.h"

enum { RECORD_MAX = 4096, RECORD_VERSION = 1, HEX_SIZE = 65 };

static const char record_name[] = "qemu.json";

/* The machine of @vm_config.  ACPI tables are those of @p's QEMU. */
static int args_of(const struct start_plan *p, const char *vm_config, const char *cache,
		   struct image_measure_args *ret, struct err *e)
{
	struct sys_vm_config vm;
	json_t *doc = NULL;
	int rc;

	*ret = (struct image_measure_args){ .source = { .qemu = p->emulator, .cache = cache } };
	rc = sys_vm_config_parse(vm_config, strlen(vm_config), &doc, &vm, e);
	if (rc == 0)
		rc = machine_of(&vm, &ret->machine, e);
	json_decref(doc);
	return rc;
}

static char *cache_of(const struct start_plan *p)
{
	return xasprintf("%s/cache/acpi", p->d->config->state);
}

int boot_measure(const struct start_plan *p, const char *vm_config, struct measurement *ret,
		 struct err *e)
{
	auto_free char *cache = cache_of(p);
	struct image_measure_args args;
	int rc = args_of(p, vm_config, cache, &args, e);

	return rc < 0 ? rc : image_measure(p->image, &args, ret, NULL, e);
}

static bool same(const struct digest384 *a, const struct digest384 *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

/* As the document has it: bytes. */
static bool same_layout(const struct td_hob_layout *a, const struct td_hob_layout *b)
{
	auto_buf struct buf x = BUF_MAX(LITE_DOCUMENT_MAX), y = BUF_MAX(LITE_DOCUMENT_MAX);

	return td_hob_witness_write(a, &x) == 0 && td_hob_witness_write(b, &y) == 0 && x.n == y.n &&
	       memcmp(x.p, y.p, x.n) == 0;
}

int boot_check_published(const struct start_plan *p, struct err *e)
{
	const struct image *im = p->image;
	struct lite_document said;
	struct image_facts found;
	int rc;

	if (im->tdx_measurement.n == 0)
		return 0;
	rc = lite_parse(im->tdx_measurement.p, im->tdx_measurement.n, &said, e);
	if (rc < 0)
		return err_wrap(e, ERR_CORRUPT, "image '%s'", im->name);
	rc = image_facts(im, &found, e);
	if (rc < 0)
		return rc;
	{
		const struct {
			const char *what;
			bool is_right;
		} parts[] = {
			{ "MRTD (firmware, in one pass)",
			  same(&said.mrtd_single, &found.document.mrtd_single) },
			{ "MRTD (firmware, in two passes)",
			  same(&said.mrtd_two, &found.document.mrtd_two) },
			{ "RTMR0 (the firmware's layout of memory)",
			  same_layout(&said.layout, &found.document.layout) },
			{ "RTMR1 (kernel)", same(&said.kernel, &found.document.kernel) },
			{ "RTMR2 (command line)", same(&said.cmdline, &found.document.cmdline) },
			{ "RTMR2 (initrd)", same(&said.initrd, &found.document.initrd) },
		};
		size_t i;

		for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
			if (!parts[i].is_right) {
				return err_set(e, ERR_CORRUPT,
					       "image '%s': its files do not measure as "
					       "its " LITE_DOCUMENT_NAME
					       " says: %s; no verifier would accept it",
					       im->name, parts[i].what);
			}
		}
	}
	return 0;
}

/* ---- the record ---- */

struct record {
	char machine[HEX_SIZE], acpi[HEX_SIZE], qemu[HEX_SIZE], version[32];
};

static void hex_of(const void *p, size_t n, char ret[static HEX_SIZE])
{
	struct digest256 d = digest256_bytes(p, n);

	str_hex(ret, d.b, sizeof(d.b));
}

/*
 * The machine and its tables; "" where they cannot be told, as with a TPM, or by a QEMU without TCG.  That keeps no VM
 * from starting, it only leaves a drift of the tables unseen.
 */
static void tell_tables(const struct start_plan *p, const char *vm_config, const char *cache,
			struct record *ret)
{
	auto_buf struct buf tables = BUF_MAX(ACPI_BLOB_MAX);
	auto_free char *machine = NULL;
	struct image_measure_args args;
	const struct acpi_shape *s = &args.machine.shape;
	struct err why = ERR_NONE;
	int rc = args_of(p, vm_config, cache, &args, &why);

	if (rc == 0) /* this QEMU's own tables, whatever a verifier makes of them */
		rc = acpi_oracle(s, &args.source, NULL, &tables, NULL, &why);
	if (rc < 0) {
		log_warn("vm %.8s: a drift of its ACPI tables would not be seen: %s", p->m.id,
			 why.text);
		return;
	}
	machine = xasprintf("%u %llu %d %d %d %d %llu %d %u %u %u %u %u", s->cpus,
			    (unsigned long long)s->memory, s->root_verity, s->hotplug_off, s->smm,
			    s->pic, (unsigned long long)s->pci_hole64_size, (int)s->share, s->nics,
			    s->volumes, s->gpus, s->nvswitches, s->nodes);
	hex_of(machine, strlen(machine), ret->machine);
	hex_of(tables.p, tables.n, ret->acpi);
}

static int record_now(const struct start_plan *p, const char *vm_config, struct record *ret,
		      struct err *e)
{
	auto_free char *folder = cache_of(p);
	auto_close int cache = acpi_cache_open(folder);
	struct qemu_binary qemu;
	int rc = qemu_binary_find(p->emulator, cache, &qemu, e);

	if (rc < 0)
		return rc;
	*ret = (struct record){ .machine = "" };
	str_hex(ret->qemu, qemu.digest.b, sizeof(qemu.digest.b));
	(void)str_copy(ret->version, sizeof(ret->version), qemu.version);
	tell_tables(p, vm_config, folder, ret);
	return 0;
}

static int copy_text(const json_t *o, const char *key, char *dst, size_t size)
{
	const char *text = json_get_str(o, key, NULL);

	return text && str_copy(dst, size, text) >= 0 ? 0 : -1;
}

/* Return: 1; 0: there is none; ERR_CORRUPT. */
static int record_load(int dirfd, struct record *ret, struct err *e)
{
	json_auto_t *o = NULL;
	int rc = json_read_file(dirfd, record_name, RECORD_MAX, &o, e);

	if (rc == -ENOENT)
		return 0;
	if (rc == 0 && (copy_text(o, "machine", ret->machine, sizeof(ret->machine)) ||
			copy_text(o, "qemu_version", ret->version, sizeof(ret->version)) ||
			copy_text(o, "qemu_sha256", ret->qemu, sizeof(ret->qemu)) ||
			copy_text(o, "acpi_sha256", ret->acpi, sizeof(ret->acpi))))
		rc = err_set(e, ERR_CORRUPT, "a key is missing");
	if (rc < 0) {
		return err_wrap(e, ERR_CORRUPT,
				"%s, the record of this VM's QEMU, cannot be read; AcceptDrift "
				"(bailey start --accept-drift) makes a new one",
				record_name);
	}
	return 1;
}

static int record_save(int dirfd, const struct record *r, struct err *e)
{
	json_auto_t *o = json_pack("{s:i, s:s, s:s, s:s, s:s}", "version", RECORD_VERSION,
				   "machine", r->machine, "qemu_version", r->version, "qemu_sha256",
				   r->qemu, "acpi_sha256", r->acpi);
	auto_free char *text = json_compact(o);

	return file_replace(dirfd, record_name, 0600, text, strlen(text), e);
}

int boot_check_drift(const struct start_plan *p, const char *vm_config, struct err *e)
{
	struct record now, then;
	int rc = record_now(p, vm_config, &now, e), had;

	if (rc < 0)
		return rc;
	had = record_load(p->dirfd, &then, e);
	if (had <= 0)
		return had < 0 ? had : record_save(p->dirfd, &now, e);
	if (!str_equal(now.version, then.version)) {
		return err_set(e, ERR_CONFLICT,
			       "QEMU is %s now and was %s when this VM last started: its registers "
			       "would change, and verifiers that expect the old ones would refuse "
			       "it; 'bailey start --accept-drift' starts it so",
			       now.version, then.version);
	}
	if (now.machine[0] && str_equal(now.machine, then.machine) &&
	    !str_equal(now.acpi, then.acpi)) {
		return err_set(
			e, ERR_CONFLICT,
			"QEMU %s gives this VM other ACPI tables than at its last start: RTMR0 "
			"would change, and verifiers that expect the old one would refuse it; "
			"'bailey start --accept-drift' starts it so",
			now.version);
	}
	if (!str_equal(now.qemu, then.qemu))
		log_info("vm %.8s: another build of QEMU %s, with the same ACPI tables", p->m.id,
			 now.version);
	return str_equal(now.qemu, then.qemu) && str_equal(now.machine, then.machine)
		       ? 0
		       : record_save(p->dirfd, &now, e);
}

int boot_forget_record(int dirfd, struct err *e)
{
	if (unlinkat(dirfd, record_name, 0) < 0 && errno != ENOENT)
		return err_errno(e, errno, "cannot remove %s", record_name);
	return 0;
}
