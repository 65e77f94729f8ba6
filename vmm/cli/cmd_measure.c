/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_measure: what a VM's registers must be, and what of an image a verifier needs; no daemon is asked */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/num.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/image_folder.h"
#include "cli/input.h"
#include "cli/measured.h"
#include "cli/table.h"
#include "data/json.h"
#include "store/image.h"

enum {
	HEX_SIZE = 2 * (int)sizeof(struct digest384) + 1,
	COUNT_MAX = 4096,
	MIB_SHIFT = 20,
};

static int read_count(const struct cli *c, enum opt o, uint32_t min, uint32_t *ret, struct err *e)
{
	const char *text = c->args->options[o];

	if (text && num_parse_u32(text, min, COUNT_MAX, ret) < 0)
		return err_set(e, ERR_INPUT, "--%s: \"%.40s\" is no number from %u to %d",
			       opt_specs[o].name, text, min, COUNT_MAX);
	return 0;
}

static int read_memory(const struct cli *c, uint64_t *ret, struct err *e)
{
	const char *text = c->args->options[OPT_MEMORY];

	if (!text)
		return 0;
	if (num_parse_size(text, 1 << MIB_SHIFT, INT64_MAX, ret) < 0 ||
	    *ret % (1 << MIB_SHIFT) != 0) {
		return err_set(e, ERR_INPUT,
			       "--memory: \"%.40s\" is no size in whole MiB; write 4G or 4096M",
			       text);
	}
	return 0;
}

static int read_pic(const struct cli *c, int *ret, struct err *e)
{
	const char *text = c->args->options[OPT_PIC];

	if (text && !str_equal(text, "on") && !str_equal(text, "off"))
		return err_set(e, ERR_INPUT, "--pic: \"%.40s\" is neither on nor off", text);
	if (text)
		*ret = str_equal(text, "on");
	return 0;
}

/* What a file says of the machine; options say more. */
static int read_vm_config(const struct cli *c, struct measured *d, struct err *e)
{
	const char *path = c->args->options[OPT_VM_CONFIG];
	auto_buf struct buf text = { 0 };
	int rc;

	d->vm = (struct sys_vm_config){ .num_nics = 1, .pic = -1, .single_pass_add_pages = -1 };
	if (!path)
		return 0;
	rc = input_read(path, SYS_VM_CONFIG_MAX, &text, e);
	if (rc == 0) {
		rc = sys_vm_config_parse(text.p, text.n, &d->vm_doc, &d->vm, e);
		if (rc < 0)
			(void)err_wrap(e, rc, "%s", path);
	}
	return rc == ERR_LIMIT ? ERR_INPUT : rc;
}

static int read_machine(const struct cli *c, struct measured *d, struct err *e)
{
	const char *const *options = c->args->options;
	int rc = read_vm_config(c, d, e);

	if (rc == 0)
		rc = read_count(c, OPT_CPUS, 1, &d->vm.cpu_count, e);
	if (rc == 0)
		rc = read_memory(c, &d->vm.memory_size, e);
	if (rc == 0)
		rc = read_count(c, OPT_NICS, 0, &d->vm.num_nics, e);
	if (rc == 0)
		rc = read_count(c, OPT_GPUS, 0, &d->vm.num_gpus, e);
	if (rc == 0)
		rc = read_pic(c, &d->vm.pic, e);
	if (options[OPT_HOTPLUG_OFF])
		d->vm.hotplug_off = true;
	if (options[OPT_TWO_PASS])
		d->vm.single_pass_add_pages = 1; /* as its name does not say: machine.h */
	if (options[OPT_QEMU_VERSION])
		d->vm.qemu_version = options[OPT_QEMU_VERSION];
	d->source.qemu = options[OPT_QEMU];
	d->acpi_tables = options[OPT_ACPI_TABLES];
	return rc;
}

static json_t *json_digest(const struct digest384 *d)
{
	char hex[HEX_SIZE];

	str_hex(hex, d->b, sizeof(d->b));
	return json_string(hex);
}

static json_t *json_events(const struct measurement *m)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < m->n_events; i++) {
		const struct boot_event *ev = &m->events[i];

		(void)json_array_append_new(list,
					    json_pack("{s:i, s:I, s:o, s:s}", "imr", (int)ev->imr,
						      "event_type", (json_int_t)ev->type, "digest",
						      json_digest(&ev->digest), "event", ev->name));
	}
	return list;
}

/* Which QEMU's tables: null if they were read from a file. */
static json_t *json_acpi(const struct acpi_answer *a)
{
	char hex[65];

	if (!a->qemu_version[0])
		return json_null();
	str_hex(hex, a->qemu.b, sizeof(a->qemu.b));
	return json_pack("{s:s, s:s, s:b}", "version", a->qemu_version, "sha256", hex, "cached",
			 a->was_cached);
}

static void print_json(const struct measured *d, bool wants_events)
{
	const struct machine *m = &d->machine;
	json_t *o = measured_registers(d);

	(void)json_object_set_new(o, "cpus", json_integer(m->shape.cpus));
	(void)json_object_set_new(o, "memory", json_integer((json_int_t)m->shape.memory));
	(void)json_object_set_new(o, "qemu_version", json_string(m->qemu_version));
	(void)json_object_set_new(o, "two_pass", json_boolean(m->two_pass));
	(void)json_object_set_new(o, "pic", json_boolean(m->shape.pic));
	(void)json_object_set_new(o, "qemu", json_acpi(&d->answer));
	if (wants_events)
		(void)json_object_set_new(o, "events", json_events(&d->m));
	cli_json(o);
	json_decref(o);
}

static void print_events(const struct cli *c, const struct measurement *m)
{
	static const struct table_column columns[] = {
		{ "RTMR", false }, { "EVENT", false }, { "DIGEST", true }, { NULL, false }
	};
	struct table *t = table_new(columns);
	char hex[HEX_SIZE];
	size_t i;

	for (i = 0; i < m->n_events; i++) {
		str_hex(hex, m->events[i].digest.b, sizeof(m->events[i].digest.b));
		table_cell(t, COLOUR_NONE, "%u", m->events[i].imr);
		table_cell(t, COLOUR_NONE, "%s", m->events[i].name);
		table_cell(t, COLOUR_NONE, "%s", hex);
	}
	cli_table(c, t);
}

static void print_register(const char *name, const struct digest384 *d)
{
	char hex[HEX_SIZE];

	str_hex(hex, d->b, sizeof(d->b));
	(void)printf("%-5s %s\n", name, hex);
}

static void print_text(const struct cli *c, const struct measured *d)
{
	const struct machine *m = &d->machine;

	if (args_has(c->args, OPT_EVENTS))
		print_events(c, &d->m);
	print_register("mrtd", &d->m.mrtd);
	print_register("rtmr0", &d->m.rtmr[0]);
	print_register("rtmr1", &d->m.rtmr[1]);
	print_register("rtmr2", &d->m.rtmr[2]);
	cli_say(c,
		"on QEMU %s with %u vCPUs and %llu MiB, PIC %s, pages added in %s; ACPI tables "
		"%s%s\n",
		m->qemu_version, m->shape.cpus, (unsigned long long)(m->shape.memory >> MIB_SHIFT),
		m->shape.pic ? "on" : "off", m->two_pass ? "two passes" : "one pass",
		d->answer.qemu_version[0] ? "of QEMU " : "as recorded", d->answer.qemu_version);
	if (d->takes_root_disk) {
		cli_say(c, "with the PCI slot of a root disk, which the image does not have; a "
			   "vm_config "
			   "with root_disk false measures without it\n");
	}
	if (str_starts(m->qemu_version, "7.")) {
		cli_say(c,
			"no TD starts on that QEMU; write --qemu-version for the one that will run "
			"it\n");
	}
}

int cmd_measure(struct cli *c, struct err *e)
{
	struct measured d = { .image = c->args->n ? c->args->operands[0] : NULL };
	int rc = read_machine(c, &d, e);

	if (rc == 0 && !d.image && !d.vm_doc)
		rc = err_set(e, ERR_INPUT,
			     "which image?  Name its folder, or write --vm-config FILE");
	if (rc == 0)
		rc = measured_run(&d, e);
	if (rc == 0 && c->wants_json)
		print_json(&d, args_has(c->args, OPT_EVENTS));
	else if (rc == 0)
		print_text(c, &d);
	measured_deinit(&d);
	return rc;
}

static void print_facts(const struct cli *c, const struct image *im, const struct image_facts *f)
{
	const struct lite_document *d = &f->document;
	const struct {
		const char *name;
		const struct digest384 *digest;
	} rows[] = {
		{ "mrtd_single_pass", &d->mrtd_single },
		{ "mrtd_two_pass", &d->mrtd_two },
		{ "cfv", &f->cfv },
		{ "kernel_authenticode", &d->kernel },
		{ "cmdline_sha384", &d->cmdline },
		{ "initrd_sha384", &d->initrd },
	};
	json_t *o = json_pack("{s:s, s:s}", "name", im->name, "os_image_hash", im->digest);
	char hex[HEX_SIZE];
	size_t i;

	if (!c->wants_json)
		(void)printf("%-20s %s\n", "os_image_hash", im->digest);
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		str_hex(hex, rows[i].digest->b, sizeof(rows[i].digest->b));
		if (!c->wants_json)
			(void)printf("%-20s %s\n", rows[i].name, hex);
		(void)json_object_set_new(o, rows[i].name, json_string(hex));
	}
	(void)json_object_set_new(o, "lite", json_boolean(f->has_known_cfv));
	if (c->wants_json)
		cli_json(o);
	else if (!f->has_known_cfv)
		cli_say(c, "verifiers need the image's files: a measurement document stands for "
			   "another CFV\n");
	json_decref(o);
}

static int write_document(const struct cli *c, const struct image_facts *f, struct err *e)
{
	const char *path = c->args->options[OPT_OUTPUT];
	auto_buf struct buf out = BUF_MAX(LITE_DOCUMENT_MAX);

	if (!path)
		return 0;
	if (!f->has_known_cfv) {
		return err_set(
			e, ERR_INPUT,
			"%s: not written: verifiers would take the CFV of another firmware than "
			"the image's",
			path);
	}
	if (lite_write(&f->document, &out) < 0)
		return err_set(e, ERR_INPUT, "%s: the document would be too large", path);
	return file_replace(AT_FDCWD, path, 0644, out.p, out.n, e);
}

/* Are the files those that the image was made of?  A folder that its builder has not summed up yet may be measured. */
static int check_sums(const struct cli *c, const struct image *im, struct err *e)
{
	int rc = image_check(im, NULL, e);

	if (rc != ERR_MISSING)
		return rc;
	cli_say(c, "the image has no sums: %s\n", e->text);
	*e = ERR_NONE;
	return 0;
}

int cmd_image_measure(struct cli *c, struct err *e)
{
	struct image_facts facts;
	struct image *im = NULL;
	int rc = image_folder_load(c->args->operands[0], &im, e);

	if (rc == 0)
		rc = check_sums(c, im, e);
	if (rc == 0)
		rc = image_facts(im, &facts, e);
	if (rc == 0)
		rc = write_document(c, &facts, e);
	if (rc == 0)
		print_facts(c, im, &facts);
	image_free(im);
	return rc;
}
