/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz-vm-config: any bytes are the machine of a vm_config, or have a named fault; a document in it is bound or refused
 *
 * Input    the JSON text.
 */
#undef NDEBUG
#include "measure/image_measure.h"

#include <assert.h>
#include <string.h>

#include "base/err.h"
#include "data/sys_vm_config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static uint8_t no_tables[1];
	const struct buf tables = { .p = no_tables, .n = 0 };
	struct image_measure_args args = { .tables = &tables }; /* no QEMU is asked */
	struct sys_vm_config vm;
	struct measurement m;
	struct err e = ERR_NONE;
	json_t *doc = NULL;

	if (sys_vm_config_parse(data, n, &doc, &vm, &e) < 0) {
		assert(!doc && strncmp(e.text, "vm_config", 9) == 0);
		return 0;
	}
	assert(!vm.sums == !vm.measurement);
	if (machine_of(&vm, &args.machine, &e) == 0) {
		assert(args.machine.qemu_version[0] && args.machine.shape.nodes <= 1);
		assert(image_measure_lite(&vm, &args, &m, NULL, &e) < 0 && e.text[0]);
	}
	json_decref(doc);
	return 0;
}
