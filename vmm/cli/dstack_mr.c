/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dstack_mr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/num.h"
#include "base/str.h"
#include "base/version.h"
#include "cli/cli.h"
#include "cli/exit.h"
#include "cli/measured.h"

static const char usage[] = "usage: dstack-mr -metadata FILE [options]\n"
			    "       dstack-mr measure [options] FILE\n"
			    "\n"
			    "The registers of a TD that starts the image whose metadata.json FILE "
			    "is; see bailey-measure(7).\n"
			    "Options begin with one dash or two.\n"
			    "\n"
			    "  -c, -cpu N                vCPUs [1]\n"
			    "  -ram MIB                  memory: 4096, or 4G [2G]\n"
			    "  -m, -memory SIZE          the same: 4G, or bytes\n"
			    "  -metadata FILE            metadata.json in the image's folder\n"
			    "  -qemu BIN                 the QEMU that is asked for ACPI tables\n"
			    "  -qemu-version V           the version that will run [9.1.0]\n"
			    "  -acpi-tables FILE         recorded tables, in place of asking\n"
			    "  -num-gpus N, -num-nvswitches N\n"
			    "  -pci-hole64-size SIZE     the window of 64-bit PCI memory\n"
			    "  -pic BOOL                 the legacy interrupt controller\n"
			    "  -two-pass-add-pages BOOL  pages are added as QEMU 8 does\n"
			    "  -hotplug-off, -hugepages  [false]\n"
			    "  -json                     JSON\n"
			    "  -version                  the version of this program\n";

enum option {
	CPU,
	RAM,
	MEMORY,
	METADATA,
	QEMU,
	QEMU_VERSION,
	ACPI_TABLES,
	NUM_GPUS,
	NUM_NVSWITCHES,
	PCI_HOLE64_SIZE,
	PIC,
	TWO_PASS,
	HOTPLUG_OFF,
	HUGEPAGES,
	JSON,
	VERSION,
	HELP,
	OPTION_COUNT,
};

/* A flag may have a value behind it: true or false. */
static const struct {
	const char *name;
	char letter;
	bool is_flag;
} names[OPTION_COUNT] = {
	[CPU] = { "cpu", 'c', false },
	[RAM] = { "ram", 0, false },
	[MEMORY] = { "memory", 'm', false },
	[METADATA] = { "metadata", 0, false },
	[QEMU] = { "qemu", 0, false },
	[QEMU_VERSION] = { "qemu-version", 0, false },
	[ACPI_TABLES] = { "acpi-tables", 0, false },
	[NUM_GPUS] = { "num-gpus", 0, false },
	[NUM_NVSWITCHES] = { "num-nvswitches", 0, false },
	[PCI_HOLE64_SIZE] = { "pci-hole64-size", 0, false },
	[PIC] = { "pic", 0, true },
	[TWO_PASS] = { "two-pass-add-pages", 0, true },
	[HOTPLUG_OFF] = { "hotplug-off", 0, true },
	[HUGEPAGES] = { "hugepages", 0, true },
	[JSON] = { "json", 0, true },
	[VERSION] = { "version", 0, true },
	[HELP] = { "help", 'h', true },
};

enum { GPUS_MAX = 32, CPUS_MAX = 4096, MIB_SHIFT = 20 };

bool dstack_mr_is_meant(const char *program, char *const *argv, char *const **ret_argv)
{
	const char *slash = program ? strrchr(program, '/') : NULL;
	const char *base = slash ? slash + 1 : program;

	*ret_argv = argv;
	if (base && str_equal(base, "dstack-mr"))
		return true;
	*ret_argv = argv + (argv[0] != NULL);
	return argv[0] && str_equal(argv[0], "dstack-mr");
}

static bool is_bool(const char *text)
{
	return text && (str_equal(text, "true") || str_equal(text, "false"));
}

/* Which option @name of @n bytes is; OPTION_COUNT: none. */
static enum option named(const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < OPTION_COUNT; i++) {
		if (n == 1 && names[i].letter == *name)
			return (enum option)i;
		if (strlen(names[i].name) == n && memcmp(names[i].name, name, n) == 0)
			return (enum option)i;
	}
	return OPTION_COUNT;
}

/* Return: how many arguments behind @arg were used up, or ERR_INPUT. */
static int take(const char *arg, const char *next, const char *values[OPTION_COUNT], struct err *e)
{
	const char *name = arg + strspn(arg, "-"), *eq = strchr(name, '=');
	enum option o = named(name, eq ? (size_t)(eq - name) : strlen(name));

	if (arg[0] != '-' && !values[METADATA]) {
		values[METADATA] = arg;
		return 0;
	}
	if (arg[0] != '-' || o == OPTION_COUNT)
		return err_set(e, ERR_INPUT, "\"%.40s\" is no option; dstack-mr -help lists them",
			       arg);
	if (eq) {
		values[o] = eq + 1;
		return 0;
	}
	if (names[o].is_flag && !is_bool(next)) {
		values[o] = "true";
		return 0;
	}
	if (!next)
		return err_set(e, ERR_INPUT, "-%s needs a value", names[o].name);
	values[o] = next;
	return 1;
}

static bool is_true(const char *text)
{
	return text && !str_equal(text, "false");
}

static int read_memory(const char *const *v, uint64_t *ret, struct err *e)
{
	uint64_t mib;

	*ret = UINT64_C(2) << 30;
	if (v[RAM] && num_parse_u64(v[RAM], 1, INT64_MAX >> MIB_SHIFT, &mib) == 0)
		*ret = mib << MIB_SHIFT;
	else if (v[RAM] && num_parse_size(v[RAM], 1 << MIB_SHIFT, INT64_MAX, ret) < 0)
		return err_set(e, ERR_INPUT, "-ram: \"%.40s\" is no memory size; write 4096 or 4G",
			       v[RAM]);
	if (v[MEMORY] && num_parse_size(v[MEMORY], 1 << MIB_SHIFT, INT64_MAX, ret) < 0)
		return err_set(e, ERR_INPUT, "-memory: \"%.40s\" is no memory size; write 4G",
			       v[MEMORY]);
	return 0;
}

/* The folder that holds metadata.json; the caller frees. */
static int read_metadata(const char *path, char **ret, struct err *e)
{
	auto_free char *real = path ? realpath(path, NULL) : NULL;
	char *slash;

	if (!path)
		return err_set(e, ERR_INPUT, "-metadata is missing; write -metadata metadata.json");
	if (!real)
		return err_set(e, ERR_NOT_FOUND, "-metadata: there is no %.200s", path);
	slash = strrchr(real, '/');
	if (!slash || !str_equal(slash, "/metadata.json")) {
		return err_set(e, ERR_INPUT,
			       "-metadata: %.200s is not called metadata.json, as an image's is",
			       path);
	}
	*slash = 0;
	*ret = steal_ptr(&real);
	return 0;
}

static int read_count(const char *const *v, enum option o, uint32_t min, uint32_t max,
		      uint32_t *ret, struct err *e)
{
	if (v[o] && num_parse_u32(v[o], min, max, ret) < 0)
		return err_set(e, ERR_INPUT, "-%s: \"%.40s\" is no number from %u to %u",
			       names[o].name, v[o], min, max);
	return 0;
}

static int read_asked(const char *const *v, struct measured *d, char **ret_folder, struct err *e)
{
	int rc;

	d->vm = (struct sys_vm_config){
		.cpu_count = 1,
		.num_nics = 1,
		.pic = v[PIC] ? is_true(v[PIC]) : -1,
		.single_pass_add_pages = v[TWO_PASS] ? is_true(v[TWO_PASS]) : -1, /* machine.h */
		.hotplug_off = is_true(v[HOTPLUG_OFF]),
		.hugepages = is_true(v[HUGEPAGES]),
		.qemu_version = v[QEMU_VERSION] ? v[QEMU_VERSION] : MACHINE_DEFAULT_VERSION,
	};
	d->source.qemu = v[QEMU];
	d->acpi_tables = v[ACPI_TABLES];
	rc = read_count(v, CPU, 1, CPUS_MAX, &d->vm.cpu_count, e);
	if (rc == 0)
		rc = read_count(v, NUM_GPUS, 0, GPUS_MAX, &d->vm.num_gpus, e);
	if (rc == 0)
		rc = read_count(v, NUM_NVSWITCHES, 0, GPUS_MAX, &d->vm.num_nvswitches, e);
	if (rc == 0 && v[PCI_HOLE64_SIZE] &&
	    num_parse_size(v[PCI_HOLE64_SIZE], 0, INT64_MAX, &d->vm.pci_hole64_size) < 0)
		rc = err_set(e, ERR_INPUT, "-pci-hole64-size: \"%.40s\" is no size",
			     v[PCI_HOLE64_SIZE]);
	if (rc == 0)
		rc = read_memory(v, &d->vm.memory_size, e);
	if (rc == 0)
		rc = read_metadata(v[METADATA], ret_folder, e);
	d->image = *ret_folder;
	return rc;
}

static void print(const struct measured *d, bool wants_json)
{
	static const char *const shown[] = { "MRTD", "RTMR0", "RTMR1", "RTMR2" };
	json_t *o = measured_registers(d), *value;
	const char *key;
	size_t i = 0;

	if (wants_json) {
		cli_json(o);
	} else {
		json_object_foreach(o, key, value)
			(void)printf("%s: %s\n", shown[i++], json_string_value(value));
	}
	json_decref(o);
}

static int measure(const char *const *v, struct err *e)
{
	auto_free char *folder = NULL;
	struct measured d = { .image = NULL };
	int rc = read_asked(v, &d, &folder, e);

	if (rc == 0)
		rc = measured_run(&d, e);
	if (rc == 0)
		print(&d, is_true(v[JSON]));
	measured_deinit(&d);
	return rc;
}

int dstack_mr_main(char *const *argv)
{
	const char *values[OPTION_COUNT] = { NULL };
	const struct cli c = { .args = NULL };
	struct err e = ERR_NONE;
	int rc = 0;

	if (*argv && str_equal(*argv, "measure"))
		argv++;
	for (; rc >= 0 && *argv; argv++) {
		rc = take(*argv, argv[1], values, &e);
		if (rc > 0)
			argv++;
	}
	if (rc >= 0 && values[HELP])
		rc = fputs(usage, stdout) < 0 ? -1 : 0;
	else if (rc >= 0 && values[VERSION])
		rc = puts("dstack-mr of bailey " BAILEY_VERSION) < 0 ? -1 : 0;
	else if (rc >= 0)
		rc = measure(values, &e);
	if (rc == 0 && fflush(stdout) != 0)
		rc = err_set(&e, ERR_INPUT, "what was to be printed could not be written");
	if (rc < 0)
		cli_complain(&c, &e, rc);
	return (int)cli_exit_of(rc);
}
