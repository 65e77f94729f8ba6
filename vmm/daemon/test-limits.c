/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/limits.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "daemon/config.h"
#include "daemon/daemon.h"
#include "daemon/vm.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

static struct config config = {
	.max_vcpu = 8,
	.max_memory = 16 * GIB,
	.max_disk = 100 * GIB,
	.total_vcpu = 10,
	.total_memory = 20 * GIB,
	.total_disk = 150 * GIB,
};

static struct manifest like(uint32_t vcpu, uint32_t memory_mib, uint32_t disk_gib)
{
	return (struct manifest){ .vcpu = vcpu, .memory = memory_mib, .disk_size = disk_gib };
}

static void test_one_vm(void)
{
	struct err e = ERR_NONE;

	assert(limits_check_vm(&config, 8, 16384, 100, &e) == 0);
	assert(limits_check_vm(&config, 0, 1, 1, &e) == ERR_INPUT && strstr(e.text, "vcpu"));
	assert(limits_check_vm(&config, 1, 0, 1, &e) == ERR_INPUT && strstr(e.text, "memory"));
	assert(limits_check_vm(&config, 1, 1, 0, &e) == ERR_INPUT && strstr(e.text, "disk_size"));
	assert(limits_check_vm(&config, 9, 1, 1, &e) == ERR_LIMIT &&
	       strstr(e.text, "limits.vcpu: 8"));
	assert(limits_check_vm(&config, 1, 16385, 1, &e) == ERR_LIMIT &&
	       strstr(e.text, "limits.memory: 16384 MiB"));
	assert(limits_check_vm(&config, UINT32_MAX, UINT32_MAX, UINT32_MAX, &e) == ERR_LIMIT);
	assert(limits_check_vm(&config, 1, 1, 101, &e) == ERR_LIMIT &&
	       strstr(e.text, "limits.disk: 100 GiB"));
}

/* A VM that runs, one that is meant to, and one that is neither. */
static void test_all_vms(void)
{
	struct vm off = { .manifest = like(8, 16384, 30) };
	struct vm meant = { .manifest = like(2, 2048, 30), .state.started = true, .next = &off };
	struct vm runs = { .manifest = like(4, 4096, 40), .is_running = true, .next = &meant };
	struct daemon d = { .config = &config, .fleet = { .first = &runs, .n = 3 } };
	struct manifest m = like(4, 1024, 50);
	struct err e = ERR_NONE;

	assert(limits_check_room(&d, NULL, &m, true, &e) == 0);
	m = like(5, 1024, 50);
	assert(limits_check_room(&d, NULL, &m, true, &e) == ERR_LIMIT);
	assert(strstr(e.text, "vcpu: 5 asked for") && strstr(e.text, "have 6 of the 10") &&
	       strstr(e.text, "limits.vcpu_total"));
	assert(limits_check_room(&d, NULL, &m, false, &e) == 0);  /* it does not run: no matter */
	assert(limits_check_room(&d, &meant, &m, true, &e) == 0); /* its own two do not count */
	m = like(1, 14337, 50);
	assert(limits_check_room(&d, NULL, &m, true, &e) == ERR_LIMIT);
	assert(strstr(e.text, "14337 MiB asked for") &&
	       strstr(e.text, "6144 MiB of the 20480 MiB"));
	m = like(1, 14336, 50);
	assert(limits_check_room(&d, NULL, &m, true, &e) == 0);
	m = like(1, 1, 51);
	assert(limits_check_room(&d, NULL, &m, false, &e) == ERR_LIMIT);
	assert(strstr(e.text, "limits.disk_total"));
	m = like(UINT32_MAX, UINT32_MAX, UINT32_MAX);
	assert(limits_check_room(&d, NULL, &m, true, &e) == ERR_LIMIT);
}

static void test_no_limit(void)
{
	struct config none = config;
	struct daemon d = { .config = &none };
	struct manifest m = like(UINT32_MAX, UINT32_MAX, UINT32_MAX);

	none.total_vcpu = 0;
	none.total_memory = none.total_disk = 0;
	assert(limits_check_room(&d, NULL, &m, true, NULL) == 0);
}

static void test_space(void)
{
	struct config c = { .disk_free = 0 };
	struct err e = ERR_NONE;

	assert(limits_check_space(&c, "/", 0, &e) == 0);
	assert(limits_check_space(&c, "/", UINT64_MAX, &e) == -ENOSPC);
	c.disk_free = UINT64_MAX;
	assert(limits_check_space(&c, "/", 0, &e) == -ENOSPC && strstr(e.text, "limits.disk_free"));
	assert(limits_check_space(&c, "/nonexistent", 0, &e) == -ENOENT);
}

int main(void)
{
	test_one_vm();
	test_all_vms();
	test_no_limit();
	test_space();
	return 0;
}
