/* SPDX-License-Identifier: Apache-2.0 */
#undef NDEBUG
#include "wire/pe.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "wire/test_kernel.h"

static uint8_t kernel[TEST_KERNEL_SIZE];

static enum pe_verdict verdict(const void *p, size_t n)
{
	struct pe_ranges r;

	return pe_authenticode(p, n, &r);
}

static void test_ranges_leave_out_sum_and_certificates(void)
{
	const struct pe_range want[] = {
		{ 0, TEST_KERNEL_OPTIONAL + 64 },
		{ TEST_KERNEL_OPTIONAL + 68, TEST_KERNEL_SECURITY - TEST_KERNEL_OPTIONAL - 68 },
		{ TEST_KERNEL_SECURITY + 8, TEST_KERNEL_HEADERS - TEST_KERNEL_SECURITY - 8 },
		{ TEST_KERNEL_FIRST, 0x800 }, /* by place in the file, not in the table */
		{ TEST_KERNEL_SECOND, 0x1000 },
		{ TEST_KERNEL_TAIL, 8 },
	};
	struct pe_ranges r;

	test_kernel(kernel);
	assert(pe_authenticode(kernel, sizeof(kernel), &r) == PE_OK);
	assert(r.n == 6 && memcmp(r.p, want, sizeof(want)) == 0);
}

static void test_a_file_without_certificates_is_digested_to_its_end(void)
{
	struct pe_ranges r;

	test_kernel(kernel);
	test_kernel_put(kernel + TEST_KERNEL_SECURITY, 0, 8);
	assert(pe_authenticode(kernel, sizeof(kernel) - 3, &r) == PE_OK);
	assert(r.n == 6 && r.p[5].offset == TEST_KERNEL_TAIL && r.p[5].n == 21);
	assert(pe_authenticode(kernel, TEST_KERNEL_TAIL, &r) == PE_OK && r.n == 5);
	test_kernel_put(kernel + TEST_KERNEL_OPTIONAL + 108, 4, 4); /* no such directory at all */
	assert(pe_authenticode(kernel, sizeof(kernel), &r) == PE_OK && r.n == 5);
	assert(r.p[1].n == TEST_KERNEL_HEADERS - TEST_KERNEL_OPTIONAL - 68);
}

static const struct {
	size_t at;
	uint64_t value;
	size_t n;
	enum pe_verdict want;
} faults[] = {
	{ 0, 0, 1, PE_NOT_PE },
	{ 0x3c, 0, 4, PE_NOT_PE },
	{ 0x3c, TEST_KERNEL_SIZE, 4, PE_NOT_PE },
	{ 0x3c, UINT32_MAX, 4, PE_NOT_PE },
	{ TEST_KERNEL_PE, 0, 1, PE_NOT_PE },
	{ TEST_KERNEL_PE + 3, 1, 1, PE_NOT_PE },
	{ TEST_KERNEL_OPTIONAL, 0, 2, PE_NOT_PE },
	{ TEST_KERNEL_PE + 6, 97, 2, PE_TOO_MANY_SECTIONS },
	{ TEST_KERNEL_PE + 6, 0xffff, 2, PE_TOO_MANY_SECTIONS },
	{ TEST_KERNEL_PE + 6, 24, 2, PE_BAD_HEADERS },
	{ TEST_KERNEL_PE + 20, 0xffff, 2, PE_BAD_HEADERS },
	{ TEST_KERNEL_OPTIONAL + 60, 0, 4, PE_BAD_HEADERS },
	{ TEST_KERNEL_OPTIONAL + 60, TEST_KERNEL_SIZE + 1, 4, PE_BAD_HEADERS },
	{ TEST_KERNEL_OPTIONAL + 60, UINT32_MAX, 4, PE_BAD_HEADERS },
	{ TEST_KERNEL_TABLE + 16, UINT32_MAX, 4, PE_BAD_SECTION },
	{ TEST_KERNEL_TABLE + 20, UINT32_MAX, 4, PE_BAD_SECTION },
	{ TEST_KERNEL_TABLE + 20, TEST_KERNEL_SIZE - 0xfff, 4, PE_BAD_SECTION },
	{ TEST_KERNEL_SECURITY + 4, 25, 4, PE_BAD_CERTIFICATES },
	{ TEST_KERNEL_SECURITY + 4, UINT32_MAX, 4, PE_BAD_CERTIFICATES },
};

static void test_each_spoilt_number_has_its_name(void)
{
	size_t i;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		test_kernel(kernel);
		test_kernel_put(kernel + faults[i].at, faults[i].value, faults[i].n);
		assert(verdict(kernel, sizeof(kernel)) == faults[i].want);
	}
}

static void test_a_file_cut_anywhere_is_no_file(void)
{
	uint8_t *part;
	size_t n;

	test_kernel(kernel);
	for (n = 0; n < TEST_KERNEL_TAIL; n += n < TEST_KERNEL_HEADERS ? 1 : 127) {
		part = malloc(n ? n : 1);
		assert(part);
		memcpy(part, kernel, n);
		assert(verdict(part, n) != PE_OK);
		free(part);
	}
	/* a header at the very end */
	memcpy(kernel + TEST_KERNEL_SIZE - 30, kernel + TEST_KERNEL_PE, 30);
	test_kernel_put(kernel + 0x3c, TEST_KERNEL_SIZE - 30, 4);
	assert(verdict(kernel, sizeof(kernel)) == PE_TRUNCATED);
}

int main(void)
{
	test_ranges_leave_out_sum_and_certificates();
	test_a_file_without_certificates_is_digested_to_its_end();
	test_each_spoilt_number_has_its_name();
	test_a_file_cut_anywhere_is_no_file();
	return 0;
}
