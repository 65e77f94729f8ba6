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
			    "\n"
			    "The registers of a TD that starts the image whose metadata.json FILE "
			    "is; see bailey(1), measure.\n"
			    "\n"
			    "  -cpu N                  vCPUs [1]\n"
			    "  -ram MIB, -memory SIZE  memory: 4096, or 4G [2G]\n"
			    "  -metadata FILE          metadata.json in the image's folder\n"
			    "  -qemu BIN               the QEMU that is asked for ACPI tables\n"
			    "  -qemu-version V         the version that will run [9.1.0]\n"
			    "  -acpi-tables FILE       recorded tables, in place of asking\n"
			    "  -num-gpus N             GPUs [0]\n"
			    "  -hotplug-off            without PCI hotplug\n"
			    "  -two-pass-add-pages     as QEMU 8 adds pages\n"
			    "  -json                   JSON\n"
			    "  -version                the version of this program\n";

enum option {
	CPU,
	RAM,
	MEMORY,
	METADATA,
	QEMU,
	QEMU_VERSION,
	ACPI_TABLES,
	NUM_GPUS,
	HOTPLUG_OFF,
	TWO_PASS,
	JSON,
	VERSION,
	HELP,
	OPTION_COUNT,
};

static const struct {
	const char *name;
	bool is_flag;
} names[OPTION_COUNT] = {
	[CPU] = { "cpu", false },
	[RAM] = { "ram", false },
	[MEMORY] = { "memory", false },
	[METADATA] = { "metadata", false },
	[QEMU] = { "qemu", false },
	[QEMU_VERSION] = { "qemu-version", false },
	[ACPI_TABLES] = { "acpi-tables", false },
	[NUM_GPUS] = { "num-gpus", false },
	[HOTPLUG_OFF] = { "hotplug-off", true },
	[TWO_PASS] = { "two-pass-add-pages", true },
	[JSON] = { "json", true },
	[VERSION] = { "version", true },
	[HELP] = { "help", true },
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

static int take(const char *arg, const char *next, const char *values[OPTION_COUNT], struct err *e)
{
	const char *name = arg + 1 + (arg[0] == '-' && arg[1] == '-'), *eq = strchr(name, '=');
	size_t n = eq ? (size_t)(eq - name) : strlen(name), i;

	for (i = 0; arg[0] == '-' && i < OPTION_COUNT; i++) {
		if (strlen(names[i].name) != n || memcmp(names[i].name, name, n) != 0)
			continue;
		values[i] = eq ? eq + 1 : names[i].is_flag ? "true" : next;
		if (!values[i])
			return err_set(e, ERR_INPUT, "-%s needs a value", names[i].name);
		return !eq && !names[i].is_flag;
	}
	return err_set(e, ERR_INPUT, "\"%.40s\" is no option; dstack-mr -help lists them", arg);
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

static int read_asked(const char *const *v, struct measured *d, char **ret_folder, struct err *e)
{
	int rc;

	d->vm = (struct sys_vm_config){
		.cpu_count = 1,
		.num_nics = 1,
		.pic = -1,
		.single_pass_add_pages = v[TWO_PASS] ? is_true(v[TWO_PASS]) : -1,
		.hotplug_off = is_true(v[HOTPLUG_OFF]),
		.qemu_version = v[QEMU_VERSION] ? v[QEMU_VERSION] : MACHINE_DEFAULT_VERSION
	};
	d->source.qemu = v[QEMU];
	d->acpi_tables = v[ACPI_TABLES];
	if (v[CPU] && num_parse_u32(v[CPU], 1, CPUS_MAX, &d->vm.cpu_count) < 0)
		return err_set(e, ERR_INPUT, "-cpu: \"%.40s\" is no number of vCPUs", v[CPU]);
	if (v[NUM_GPUS] && num_parse_u32(v[NUM_GPUS], 0, GPUS_MAX, &d->vm.num_gpus) < 0)
		return err_set(e, ERR_INPUT, "-num-gpus: \"%.40s\" is no number of GPUs",
			       v[NUM_GPUS]);
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
