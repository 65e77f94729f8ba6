/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "wire/bzimage.h"

#include <assert.h>
#include <string.h>

#include "base/rd.h"
#include "wire/test_kernel.h"

static uint8_t kernel[TEST_KERNEL_SIZE], before[TEST_KERNEL_SIZE];

static uint64_t get(size_t at, size_t n)
{
	struct rd r = rd_over(kernel + at, n);

	return rd_le(&r, n);
}

static enum bzimage_verdict patch(uint64_t initrd, uint64_t memory)
{
	const struct bzimage_boot boot = { "quiet", initrd, memory };

	test_kernel(kernel);
	return bzimage_patch(kernel, sizeof(kernel), &boot);
}

static void test_a_present_kernel_gets_five_fields(void)
{
	size_t i;

	test_kernel(before);
	assert(patch(0x123456, UINT64_C(2) << 30) == BZIMAGE_OK);
	assert(get(0x210, 1) == 0xb0 && get(0x211, 1) == 0x81 && get(0x224, 2) == 0xfe00);
	assert(get(0x228, 4) == 0x20000 && get(0x21c, 4) == 0x123456);
	assert(get(0x218, 4) == ((UINT64_C(0x80000000) - 0x28000 - 1 - 0x123456) & ~0xfffull));
	for (i = 0; i < sizeof(kernel); i++) {
		if (i < 0x210 || i > 0x22b)
			assert(kernel[i] == before[i]);
	}
}

static void test_memory_moves_the_initrd_only_below_the_split(void)
{
	uint64_t high, low;

	assert(patch(0x100000, BZIMAGE_SPLIT_AT) == BZIMAGE_OK);
	high = get(0x218, 4);
	assert(patch(0x100000, UINT64_C(1) << 40) == BZIMAGE_OK && get(0x218, 4) == high);
	assert(patch(0x100000, UINT64_C(2) << 30) == BZIMAGE_OK && get(0x218, 4) == high);
	assert(patch(0x100000, BZIMAGE_SPLIT_AT - 0x1000) == BZIMAGE_OK);
	low = get(0x218, 4);
	assert(low != high && patch(0x100000, UINT64_C(1) << 30) == BZIMAGE_OK);
	assert(get(0x218, 4) != low && get(0x218, 4) != high);
}

static void test_an_older_kernel_says_how_high_an_initrd_may_be(void)
{
	const struct bzimage_boot boot = { "quiet", 0x1000, UINT64_C(2) << 30 };

	test_kernel(kernel);
	test_kernel_put(kernel + 0x236, 0x3d, 2); /* not above 4 GiB */
	test_kernel_put(kernel + 0x22c, 0x37ffffff, 4);
	assert(bzimage_patch(kernel, sizeof(kernel), &boot) == BZIMAGE_OK);
	assert(get(0x218, 4) == 0x37ffe000);
	test_kernel(kernel);
	test_kernel_put(kernel + 0x206, 0x202, 2); /* no such field yet */
	assert(bzimage_patch(kernel, sizeof(kernel), &boot) == BZIMAGE_OK);
	assert(get(0x218, 4) == 0x37ffe000 && get(0x22c, 4) == 0x7fffffff);
}

static void test_an_ancient_kernel_has_its_command_line_elsewhere(void)
{
	const struct bzimage_boot boot = { "quiet", 0, UINT64_C(2) << 30 };

	test_kernel(kernel);
	test_kernel_put(kernel + 0x206, 0x201, 2);
	assert(bzimage_patch(kernel, sizeof(kernel), &boot) == BZIMAGE_OK);
	assert(get(0x20, 2) == 0xa33f && get(0x22, 2) == 0x9a000 - 16 - 0x90000);
	assert(get(0x224, 2) == 0x9a000 - 16 - 0x90000 - 0x200);
}

static void test_what_qemu_would_not_start_is_refused(void)
{
	static char long_line[BZIMAGE_CMDLINE_MAX + 2];
	struct bzimage_boot boot = { "quiet vga=ask", 1, UINT64_C(2) << 30 };

	test_kernel(kernel);
	assert(bzimage_patch(kernel, BZIMAGE_MIN - 1, &boot) == BZIMAGE_TOO_SHORT);
	assert(bzimage_patch(kernel, sizeof(kernel), &boot) == BZIMAGE_VIDEO_MODE);
	memset(long_line, 'a', sizeof(long_line) - 1);
	boot.cmdline = long_line;
	assert(bzimage_patch(kernel, sizeof(kernel), &boot) == BZIMAGE_CMDLINE_TOO_LONG);
	assert(patch(UINT64_C(2) << 30, UINT64_C(2) << 30) == BZIMAGE_INITRD_TOO_LARGE);
	assert(patch(UINT64_MAX, UINT64_C(2) << 30) == BZIMAGE_INITRD_TOO_LARGE);
	assert(patch(1, 0) == BZIMAGE_INITRD_TOO_LARGE && patch(0, 0) == BZIMAGE_OK);
	boot.cmdline = "quiet";
	test_kernel(kernel);
	kernel[0x202] = 'h';
	assert(bzimage_patch(kernel, sizeof(kernel), &boot) == BZIMAGE_TOO_OLD);
}

int main(void)
{
	test_a_present_kernel_gets_five_fields();
	test_memory_moves_the_initrd_only_below_the_split();
	test_an_older_kernel_says_how_high_an_initrd_may_be();
	test_an_ancient_kernel_has_its_command_line_elsewhere();
	test_what_qemu_would_not_start_is_refused();
	return 0;
}
